import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startOperatorServer, type OperatorServer } from "#test/central/operator/start-operator-server.ts";
import { runCatapult } from "./run-catapult.ts";

let server: OperatorServer;
let folder: string;
beforeAll(async () => {
  server = await startOperatorServer();
  folder = await mkdtemp(path.join(tmpdir(), "catapult-login-"));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = async (words: string[], o: { input?: string; env?: Record<string, string> } = {}) =>
  runCatapult(words, { ...o, env: { XDG_CONFIG_HOME: folder, ...o.env } });

test("login keeps a token that Central knows for its owner alone, the next commands use it, and logout forgets it", async () => {
  const file = path.join(folder, "catapult/login.json");
  const wrong = await run(["login", server.url], { input: "cat_wrong\n" });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("does not know the token")]);
  await expect(stat(file)).rejects.toThrow("ENOENT");

  const right = await run(["login", server.url], { input: `${server.token}\n` });
  expect([right.code, right.err]).toEqual([0, ""]);
  expect(right.out).not.toContain(server.token);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ url: server.url, token: server.token });
  expect(await run(["environments", "list", "--json"])).toEqual({ code: 0, out: "[]\n", err: "" });

  // Its token goes to its own URL alone.
  const elsewhere = await run(["environments", "list"], { env: { CATAPULT_CENTRAL_URL: "http://127.0.0.1:1" } });
  expect([elsewhere.code, elsewhere.err]).toEqual([2, expect.stringContaining("CATAPULT_TOKEN: is not set")]);

  await chmod(file, 0o644);
  const open = await run(["environments", "list"]);
  expect([open.code, open.err]).toEqual([1, expect.stringContaining("chmod 600")]);
  expect((await run(["logout"])).code).toBe(0);
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test.each([
  [["deployments", "get", "x"], "'id'"],
  [["deployments", "list", "--limit", "0"], "--limit"],
  [["deployments", "list", "--commit", "abc"], "--commit"],
  [["deploy", "acme"], "'owner/name'"],
])("%s names what is wrong: %s", async (words, named) => {
  const { code, err } = await run(words);
  expect([code, err]).toEqual([2, expect.stringContaining(named)]);
});
