import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { startTestForge, type TestForge } from "#test/support/forge.ts";
import { cloneCommit } from "#worker/clone/clone-commit.ts";
import { endToken } from "#worker/clone/end-token.ts";

const log = createLogger({ name: "test", level: "silent" });
let forge: TestForge;
let folder: string;

beforeAll(async () => {
  forge = await startTestForge();
  folder = await mkdtemp(join(tmpdir(), "catapult-token-"));
});
afterAll(async () => {
  await forge.stop();
  await rm(folder, { recursive: true });
});

async function mint(): Promise<string> {
  return forge.mint({ repository_ids: [forge.repository.id], permissions: { contents: "read" } });
}

/** What the forge says to the bearer of a token. */
async function statusOf(token: string): Promise<number> {
  const { status } = await fetch(`${forge.forge.apiUrl}/installation/repositories`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return status;
}

async function clone(token: string, changes: { commit?: string; repository?: string; signal?: AbortSignal }): Promise<unknown> {
  const behind: Promise<void>[] = [];
  const { data } = await forge.ann().repos.getBranch({ owner: "acme", repo: "site", branch: "main" });
  const outcome = await cloneCommit({
    baseUrl: forge.forge.url,
    apiUrl: forge.forge.apiUrl,
    repository: "acme/site",
    commit: data.commit.sha,
    token,
    clonesDir: join(folder, "clones"),
    limits: { timeoutMs: 20_000, maxFileBytes: 10_000_000 },
    signal: new AbortController().signal,
    background: (work) => void behind.push(work),
    log,
    ...changes,
  }).then(
    async (made) => {
      await made.remove();
      return "cloned";
    },
    (error: unknown) => error,
  );
  await Promise.all(behind);
  return outcome;
}

test("A token is good for the clone and for nothing after it", async () => {
  const token = await mint();
  expect(await statusOf(token)).toBe(200);
  expect(await clone(token, {})).toBe("cloned");
  expect(await statusOf(token)).toBe(401);
});

test.each<[string, { commit?: string; repository?: string; signal?: AbortSignal }]>([
  ["finds no commit", { commit: "0123456789012345678901234567890123456789" }],
  ["is refused the repository", { repository: "acme/other" }],
  ["is refused its request", { commit: "HEAD" }],
  ["was not wanted any more when it began", { signal: AbortSignal.abort(new Error("superseded")) }],
])("A token of a clone that %s is revoked too", async (_, changes) => {
  const token = await mint();
  expect(await clone(token, changes)).toBeInstanceOf(Error);
  expect(await statusOf(token)).toBe(401);
});

test("W2 a token reads its one repository: it sees no other, and writes nothing", async () => {
  const second = await forge.forge.createRepository({ owner: "acme", name: "second", files: { "index.html": "second" } });
  await forge.forge.installApp({ owner: "acme", name: "second" });
  const octokit = forge.withToken(await mint());
  const { data } = await octokit.request("GET /installation/repositories");
  expect(data.repositories.map(({ name }) => name)).toEqual(["site"]);
  const body = { owner: "acme", repo: "site", issue_number: 1, body: "x" };
  await expect(octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", body)).rejects.toMatchObject({
    status: 403,
  });
  const outcome = await clone(await mint(), { repository: "acme/second", commit: second.sha });
  expect(outcome).toMatchObject({ name: "CloneError", reason: "access_refused" });
});

test("A revocation that GitHub fails to take is asked for again", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(seen.length === 1 ? 502 : 204).end();
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const behind: Promise<void>[] = [];
  endToken({ apiUrl: `http://127.0.0.1:${port}/api/v3/`, token: "ghs_x", background: (work) => void behind.push(work), log });
  await Promise.all(behind);
  const call = "DELETE /api/v3/installation/token Bearer ghs_x";
  expect(seen).toEqual([call, call]);
  server.close();
});
