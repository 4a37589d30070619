import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startGitServer, type GitServer } from "#test/support/git-server.ts";
import { CloneError } from "#worker/clone/clone-error.ts";
import { fetchCommit, type Clone, type FetchRequest } from "#worker/clone/fetch-commit.ts";
import { archiveCommit, archiveTree, listFolder, readEntry } from "#worker/clone/read-tree.ts";

let server: GitServer;
const signal = new AbortController().signal;

beforeAll(async () => {
  server = await startGitServer();
});
afterAll(async () => server.stop());
beforeEach(() => server.intercept(undefined));

function request(commit: string, changes: Partial<FetchRequest> = {}): FetchRequest {
  return {
    baseUrl: server.url,
    repository: "acme/site",
    commit,
    token: "ghs_secretToken123",
    clonesDir: join(server.folder, "clones"),
    limits: { timeoutMs: 20_000, maxFileBytes: 10_000_000 },
    signal,
    ...changes,
  };
}

async function refusal(work: Promise<Clone>): Promise<CloneError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CloneError)) throw new Error(`expected a CloneError, got ${String(error)}`);
  expect(await readdir(join(server.folder, "clones"))).toEqual([]);
  return error;
}

test("A commit is fetched by its SHA, its token goes by header, and no file of the clone holds it", async () => {
  const commit = await server.commit("acme/site", { "index.html": "hello", "a/b.txt": "deep" });
  const clone = await fetchCommit(request(commit));
  const expected = `Basic ${Buffer.from("x-access-token:ghs_secretToken123").toString("base64")}`;
  expect(server.requests.at(-1)?.authorization).toBe(expected);
  expect(server.requests.every(({ url }) => !url.includes("ghs_"))).toBe(true);
  for (const entry of await readdir(clone.gitDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = (await readFile(join(entry.parentPath, entry.name))).toString("latin1");
    expect(content).not.toContain("ghs_secretToken123");
    expect(content).not.toContain(expected.slice(6));
  }
  const entries = await listFolder(clone, "", signal);
  expect(entries?.map(({ name, kind }) => `${kind} ${name}`)).toEqual(["folder a", "file index.html"]);
  expect((await readEntry(clone, entries ?? [], "index.html", signal))?.toString()).toBe("hello");
  expect(await listFolder(clone, "missing", signal)).toBeUndefined();
  await clone.remove();
  expect(await readdir(join(server.folder, "clones"))).toEqual([]);
});

test("Attributes of the repository change nothing of what is archived", async () => {
  const files = {
    ".gitattributes": "hidden.txt export-ignore\nsubst.txt export-subst\n*.txt text eol=crlf ident filter=lfs\n",
    "hidden.txt": "here\n",
    "subst.txt": "$Format:%H$ $Id$\n",
  };
  const clone = await fetchCommit(request(await server.commit("acme/site", files)));
  const tar = (await buffer(archiveCommit(clone, 1_000_000, signal))).toString();
  expect(tar).toContain("hidden.txt");
  expect(tar).toContain("$Format:%H$ $Id$\n");
  await clone.remove();
});

test("An archive that is larger than it may be fails instead of ending early", async () => {
  const clone = await fetchCommit(request(await server.commit("acme/site", { "big.bin": Buffer.alloc(100_000, 1) })));
  await expect(buffer(await archiveTree(clone, "", 50_000, signal))).rejects.toMatchObject({ reason: "repository_too_large" });
  await clone.remove();
});

test("An archive that is read only after git has ended is whole", async () => {
  const clone = await fetchCommit(request(await server.commit("acme/site", { "index.html": "late" })));
  for (let round = 0; round < 5; round++) {
    const archive = await archiveTree(clone, "", 1_000_000, signal);
    await new Promise((settle) => setTimeout(settle, 100));
    expect((await buffer(archive)).length).toBe(10_240);
  }
  await clone.remove();
});

test("A commit that is not there, a repository that is not there and a server that redirects are told apart", async () => {
  await server.commit("acme/site", { "index.html": "x" });
  expect((await refusal(fetchCommit(request("0123456789012345678901234567890123456789")))).reason).toBe("commit_not_found");
  expect((await refusal(fetchCommit(request("a".repeat(40), { repository: "acme/none" })))).reason).toBe("access_refused");
  const seen: (string | undefined)[] = [];
  server.intercept((call, response) => {
    if (call.url?.startsWith("/elsewhere") === true) seen.push(call.headers.authorization);
    response.writeHead(302, { location: "/elsewhere/site.git/info/refs?service=git-upload-pack" }).end();
  });
  await refusal(fetchCommit(request("a".repeat(40))));
  expect(seen).toEqual([]);
});

test("A server that stalls is ended at the deadline, and one whose pack is too large by the cap", async () => {
  const commit = await server.commit("acme/big", {
    "noise.bin": Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * i * 31 + (i >> 3)) % 251)),
  });
  const tooLarge = await refusal(
    fetchCommit(request(commit, { repository: "acme/big", limits: { timeoutMs: 20_000, maxFileBytes: 2_048 } })),
  );
  expect(tooLarge.reason).toBe("repository_too_large");
  server.intercept(() => undefined);
  const stalled = await refusal(fetchCommit(request(commit, { limits: { timeoutMs: 500, maxFileBytes: 1_000_000 } })));
  expect(stalled.reason).toBe("deadline_exceeded");
});

test("An abort ends the fetch and leaves nothing", async () => {
  server.intercept(() => undefined);
  const controller = new AbortController();
  const work = fetchCommit(request("a".repeat(40), { signal: controller.signal }));
  setTimeout(() => controller.abort(new Error("not wanted any more")), 200);
  await expect(work).rejects.toThrow("not wanted any more");
  expect(await readdir(join(server.folder, "clones"))).toEqual([]);
});

test("Symbolic links are named as such and never followed", async () => {
  const clone = await fetchCommit(
    request(await server.commit("acme/site", { "package.json": { link: "/etc/passwd" }, sub: { link: "/etc" } })),
  );
  const entries = (await listFolder(clone, "", signal)) ?? [];
  expect(entries.map(({ kind }) => kind)).toEqual(["link", "link"]);
  expect(await readEntry(clone, entries, "package.json", signal)).toBeUndefined();
  expect(await listFolder(clone, "sub", signal)).toBeUndefined();
  await clone.remove();
});
