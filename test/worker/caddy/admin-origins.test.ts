import { stat } from "node:fs/promises";
import { request, type RequestOptions } from "node:http";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCaddyWith, startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { judgeAdmin } from "#worker/caddy/judge-admin.ts";

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
  let caddy: Awaited<ReturnType<typeof startCaddyWith>>;
  let port: number;
  beforeAll(async () => {
    caddy = await startCaddyWith(() => ({ enforce_origin: true }));
    port = caddy.port;
  });
  afterAll(() => caddy.stop());
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

describe("O6 how Caddy guards its admin API is judged by calls", () => {
  test("as Catapult starts it, nothing is wrong", async () => {
    const caddy = await startTestCaddy();
    try {
      expect(await judgeAdmin(caddy.admin)).toBeUndefined();
    } finally {
      await caddy.stop();
    }
  });

  test.each([
    ["on TCP as Caddy does it by itself", () => ({})],
    ["on TCP with origins that are not enforced", (port: number) => ({ origins: [`127.0.0.1:${port}`], enforce_origin: false })],
    [
      "on a unix socket with origins that are not enforced",
      (_: number, folder: string) => ({ listen: `unix/${join(folder, "a.sock")}`, origins: ["127.0.0.1"] }),
    ],
  ])("%s, what is wrong is named with what to do", async (_, settings) => {
    const caddy = await startCaddyWith(settings);
    try {
      const unix = "listen" in settings(caddy.port, caddy.folder);
      const admin = unix ? `unix/${join(caddy.folder, "a.sock")}` : `http://127.0.0.1:${caddy.port}`;
      expect(await judgeAdmin(admin)).toMatch(/it answers a call .*"enforce_origin": true/);
    } finally {
      await caddy.stop();
    }
  });

  test("with enforce_origin on TCP nothing is wrong, and one that is gone is not taken for a good one", async () => {
    const good = await startCaddyWith(() => ({ enforce_origin: true }));
    try {
      expect(await judgeAdmin(`http://127.0.0.1:${good.port}`)).toBeUndefined();
    } finally {
      await good.stop();
    }
    await expect(judgeAdmin(`http://127.0.0.1:${good.port}`)).rejects.toThrow("gave no answer");
  });
});
