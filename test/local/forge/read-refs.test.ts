import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCommit } from "#local/forge/git/read-commits.ts";
import { readBranch, resolveCommit } from "#local/forge/git/read-refs.ts";
import { runGit } from "#local/forge/git/run-git.ts";

let folder: string;
let first: string;
let second: string;
const git = async (...args: string[]): Promise<string> => (await runGit(folder, args)).toString().trim();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-refs-"));
  await git("init", "--quiet", "--bare");
  const tree = (await runGit(folder, ["mktree"], Buffer.from(""))).toString().trim();
  const commit = async (message: string) =>
    git("-c", "user.name=ann", "-c", "user.email=ann@example.org", "commit-tree", tree, "-m", message);
  [first, second] = [await commit("first"), await commit("second")];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a branch is found in a file of its own, moved, and packed", async () => {
  await git("update-ref", "refs/heads/main", first);
  expect([await readBranch(folder, "refs/heads/main"), await resolveCommit(folder, "heads/main")]).toEqual([first, first]);
  await git("update-ref", "refs/heads/main", second);
  expect([await readBranch(folder, "refs/heads/main"), await resolveCommit(folder, "main")]).toEqual([second, second]);
  await git("pack-refs", "--all");
  expect([await readBranch(folder, "refs/heads/main"), await resolveCommit(folder, "heads/main")]).toEqual([second, second]);
  expect((await readCommit(folder, second)).message).toBe("second");
});

test("a name that means several things means to the forge what it means to git", async () => {
  await git("update-ref", "refs/heads/both", first);
  await git("update-ref", "refs/tags/heads/both", second);
  expect(await resolveCommit(folder, "both")).toBe(first);
  expect(await resolveCommit(folder, "heads/both")).toBe(second);
});

test("what only the file system would take for a branch is none", async () => {
  await git("update-ref", "refs/heads/there", first);
  const names = ["./there", "x/../there", "/there", "there/", "missing"];
  const found = await Promise.all(names.map(async (name) => readBranch(folder, `refs/heads/${name}`)));
  expect(found).toEqual(names.map(() => undefined));
});
