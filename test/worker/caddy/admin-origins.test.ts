import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request, type RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

/** The status of a call with these headers, and nothing added to them. */
function call(to: RequestOptions, headers: Record<string, string>, body?: string): Promise<number> {
  return new Promise((settle, refuse) => {
    const sent = request(
      { ...to, path: "/config/", method: body === undefined ? "GET" : "POST", headers, setHost: false, agent: false },
      (answer) => {
        answer.resume();
        answer.once("close", () => settle(answer.statusCode ?? 0));
      },
    );
    sent.once("error", refuse);
    sent.end(body);
  });
}

const foreign: [string, (host: string) => Record<string, string>][] = [
  ["a page of another site", (host) => ({ host, origin: "https://evil.example" })],
  ["a page of a served site", (host) => ({ host, origin: "http://preview.catapult.localhost" })],
  ["a page without an origin", (host) => ({ host, origin: "null" })],
  [
    "a form that a browser sends without asking",
    (host) => ({ host, origin: "https://evil.example", "content-type": "text/plain" }),
  ],
  ["a name that was bound anew to this address", () => ({ host: "evil.example", origin: "http://evil.example" })],
  ["no Origin at all", (host) => ({ host })],
];

describe("O6 Caddy's admin API as Catapult starts it", () => {
  let caddy: TestCaddy;
  let socketPath: string;
  beforeAll(async () => {
    caddy = await startTestCaddy();
    socketPath = caddy.admin.slice("unix/".length);
  });
  afterAll(() => caddy.stop());

  test("is a socket in a folder that only its user may enter", async () => {
    expect((await stat(dirname(socketPath))).mode & 0o777).toBe(0o700);
  });
  test("answers the worker", async () => {
    await createCaddyAdmin(caddy.admin).write("POST", "/config/apps", {});
    expect((await createCaddyAdmin(caddy.admin).get("/config/apps")).value).toEqual({});
  });
  test.each(foreign)("refuses %s, to read and to write", async (_, headers) => {
    expect(await call({ socketPath }, headers("127.0.0.1"))).toBe(403);
    expect(await call({ socketPath }, headers("127.0.0.1"), "{}")).toBe(403);
  });
});

describe("O6 an admin API on a TCP port with enforce_origin", () => {
  let child: ChildProcess;
  let folder: string;
  let port: number;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "catapult-admin-"));
    port = await freePort();
    const admin = { listen: `127.0.0.1:${port}`, enforce_origin: true, config: { persist: false } };
    await writeFile(join(folder, "caddy.json"), JSON.stringify({ admin }));
    const env = { PATH: process.env["PATH"], HOME: folder };
    child = spawn("caddy", ["run", "--config", join(folder, "caddy.json")], { env, stdio: "ignore" });
    await eventually(() => createCaddyAdmin(`http://127.0.0.1:${port}`).get("/config/"));
  });
  afterAll(async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
    await rm(folder, { recursive: true });
  });
  test("answers the worker", async () => {
    const admin = createCaddyAdmin(`http://127.0.0.1:${port}`);
    await admin.write("POST", "/config/apps", {});
    expect((await admin.get("/config/apps")).value).toEqual({});
  });
  test.each(foreign)("refuses %s, to read and to write", async (_, headers) => {
    expect(await call({ host: "127.0.0.1", port }, headers(`127.0.0.1:${port}`))).toBe(403);
    expect(await call({ host: "127.0.0.1", port }, headers(`127.0.0.1:${port}`), "{}")).toBe(403);
  });
});
