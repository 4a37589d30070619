import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startOperatorServer, type OperatorServer } from "#test/central/operator/start-operator-server.ts";
import { launcher, runCatapult } from "./run-catapult.ts";

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

test("in a terminal the token is asked for and not shown, and Ctrl-C ends it", async () => {
  // `script` gives it a terminal; what is typed before it reads waits there.
  const inTerminal = async (input: string, shown: string) => {
    const command = `'${launcher}' login ${server.url}`;
    const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, XDG_CONFIG_HOME: folder };
    const child = spawn("script", ["-qec", command, "/dev/null"], { env });
    let out = "";
    let isTyped = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (isTyped || !out.includes(shown)) return;
      isTyped = true;
      // The echo is off from just after the question on.
      setTimeout(() => child.stdin.write(input), 500);
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    return { code, out };
  };
  const right = await inTerminal(`${server.token}\r`, "Token: ");
  expect([right.code, right.out]).toEqual([0, expect.stringContaining(`Logged in to ${server.url}`)]);
  expect(right.out).not.toContain(server.token.slice(0, 8));
  expect((await run(["logout"])).code).toBe(0);
  const left = await inTerminal("\u0003", "Token: ");
  expect(left.code).toBe(130);
  expect(await run(["logout"])).toMatchObject({ code: 0, out: "There was no login.\n" });
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
