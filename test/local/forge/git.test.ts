import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { git, startTestForge, type TestForge, urlWithToken } from "#test/support/forge.ts";

let t: TestForge;
beforeAll(async () => void (t = await startTestForge()));
afterAll(() => t.stop());
const folder = () => mkdtemp(join(t.directory, "clone-"));

test("a private repository is not served without a token, nor with a wrong one", async () => {
  for (const authorization of [undefined, "Bearer ghs_wrong"]) {
    const response = await fetch(`${t.repository.cloneUrl}/info/refs?service=git-upload-pack`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expect(response.status).toBe(401);
  }
});

test("an installation's token fetches a commit by its SHA and cannot push", async () => {
  const cwd = await folder();
  const token = await t.mint({ repository_ids: [t.repository.id], permissions: { contents: "read" } });
  const url = urlWithToken(t.repository.cloneUrl, "x-access-token", token);
  await git(cwd, "init", "-q");
  await git(cwd, "fetch", "-q", "--depth=1", url, t.repository.sha);
  expect(await git(cwd, "show", "FETCH_HEAD:index.html")).toBe("one\n");
  await expect(git(cwd, "push", url, "FETCH_HEAD:refs/heads/stolen")).rejects.toThrow("Write access to repository not granted");
});

test("a push moves an open pull request and tells so; a force push and a deletion are told as such", async () => {
  const cwd = await folder();
  await git(cwd, "clone", "-q", urlWithToken(t.repository.cloneUrl, "ann", t.token), ".");
  await git(cwd, "checkout", "-q", "-b", "feature");
  await git(cwd, "commit", "-q", "--allow-empty", "-m", "one");
  await git(cwd, "push", "-q", "origin", "feature");
  const pull = await t.forge.openPullRequest({ owner: "acme", name: "site", head: "feature" });
  await git(cwd, "commit", "-q", "--amend", "--allow-empty", "-m", "two");
  await git(cwd, "push", "-q", "-f", "origin", "feature");
  const sha = (await git(cwd, "rev-parse", "HEAD")).trim();
  expect(await git(cwd, "ls-remote", "origin", `refs/pull/${pull.number}/head`)).toContain(sha);
  await git(cwd, "fetch", "-q", "origin", pull.headSha); // what was forced away is still there
  await git(cwd, "push", "-q", "origin", ":feature");
  await t.forge.settled();
  const told = t.received
    .slice(2)
    .map(({ event, payload }) => [event, payload["action"] ?? null, payload["forced"] ?? null, payload["deleted"] ?? null]);
  expect(told).toEqual([
    ["push", null, false, false],
    ["pull_request", "opened", null, null],
    ["push", null, true, false],
    ["pull_request", "synchronize", null, null],
    ["push", null, false, true],
    ["pull_request", "closed", null, null],
  ]);
  expect(t.received.find(({ payload }) => payload["action"] === "synchronize")?.payload).toMatchObject({
    before: pull.headSha,
    after: sha,
  });
});

test("refs/pull is the forge's own", async () => {
  const cwd = await folder();
  await git(cwd, "clone", "-q", urlWithToken(t.repository.cloneUrl, "ann", t.token), ".");
  await expect(git(cwd, "push", "origin", "HEAD:refs/pull/1/head")).rejects.toThrow("hidden ref");
});
