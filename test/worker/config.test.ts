import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ConfigError } from "#common/config/read-config.ts";
import { createSigningKey, formatWorkerKeyFile } from "#common/rpc/keys.ts";
import { readWorkerConfig } from "#worker/config.ts";

const folder = mkdtempSync(join(tmpdir(), "catapult-config-"));
const pem = join(folder, "a.pem");
writeFileSync(pem, "x");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = formatWorkerKeyFile({ worker: "w1", sign: createSigningKey("s"), verify: [createSigningKey("v")] });
const good = { WORKER_KEY: key, CENTRAL_URL: "https://central.test", TLS_CERT_FILE: pem, TLS_KEY_FILE: pem, SITES_LISTEN: ":80" };

function problems(env: Record<string, string>): string[] {
  try {
    readWorkerConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable }) => variable);
    throw error;
  }
  return [];
}

test("What must be given is little, and the rest has defaults", () => {
  expect(readWorkerConfig(good)).toMatchObject({
    githubUrl: "https://github.com",
    caddyAdmin: "http://127.0.0.1:2019",
    sitesDir: "/var/www/sites",
    buildMemory: 4 * 2 ** 30,
    buildTimeout: 600_000,
    buildImage: "localhost/catapult-builder:latest",
  });
});

test("All that is wrong is named at once", () => {
  expect(
    problems({
      CENTRAL_URL: "x",
      SITES_TLS_CERT_FILE: pem,
      BUILD_DNS: "resolver",
      BUILD_CPUS: "-1",
      CADDY_ADMIN: "tcp://x",
      SITES_DIR: "/www/{env.X}",
    }).toSorted(),
  ).toEqual([
    "BUILD_CPUS",
    "BUILD_DNS",
    "CADDY_ADMIN",
    "CENTRAL_URL",
    "SITES_DIR",
    "SITES_TLS_KEY_FILE",
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
    "WORKER_KEY",
  ]);
});

test("O6 Caddy's admin API on an address that other machines reach is refused by its variable's name", () => {
  expect(problems({ ...good, CADDY_ADMIN: "http://10.0.0.5:2019" })).toEqual(["CADDY_ADMIN"]);
  expect(problems({ ...good, CADDY_ADMIN: "http://localhost:2019" })).toEqual([]);
  expect(problems({ ...good, CADDY_ADMIN: "unix//run/caddy/admin.sock" })).toEqual([]);
});

test("a forge without TLS is refused unless it is this machine: clone tokens are sent to it", () => {
  const plain = { ...good, GITHUB_URL: "http://forge.example", GITHUB_API_URL: "http://10.0.0.5/api" };
  expect(problems(plain)).toEqual(["GITHUB_URL", "GITHUB_API_URL"]);
  expect(problems({ ...good, GITHUB_URL: "http://127.0.0.1:3000", GITHUB_API_URL: "http://[::1]:3000/api" })).toEqual([]);
});

test("HTTPS for the sites without a certificate is refused instead of served in plain", () => {
  const { SITES_LISTEN: _, ...withDefault } = good;
  expect(problems(withDefault)).toEqual(["SITES_LISTEN"]);
  expect(problems({ ...withDefault, SITES_TLS_CERT_FILE: pem, SITES_TLS_KEY_FILE: pem })).toEqual([]);
});

test("rules over several variables are named together with the variables that are bad by themselves", () => {
  const off = { ...good, TLS: "off", WORKER_LISTEN: "0.0.0.0:8444" };
  expect(problems({ ...off, SITES_LISTEN: ":443", BUILD_CPUS: "-1" })).toEqual(["BUILD_CPUS", "WORKER_LISTEN", "SITES_LISTEN"]);
  expect(problems({ ...off, WORKER_LISTEN: "127.0.0.1:8444" })).toEqual([]);
});

test("one half of the sites' certificate is asked for once, even when the other cannot be read", () => {
  const half = { ...good, SITES_LISTEN: ":443", SITES_TLS_CERT_FILE: "/nowhere/a.pem" };
  expect(problems(half)).toEqual(["SITES_TLS_CERT_FILE", "SITES_TLS_KEY_FILE"]);
});

test("the sites' addresses are judged wherever they were given", () => {
  const listen = join(folder, "listen");
  writeFileSync(listen, ":80\n");
  const { SITES_LISTEN: _, ...rest } = good;
  expect(problems({ ...rest, SITES_LISTEN_FILE: listen })).toEqual([]);
});

const limits = ["BUILD_MEMORY", "BUILD_DISK", "BUILD_CPUS", "BUILD_PIDS", "BUILD_SLOTS"];

test.each(["-1", "1e99", "NaN", "0", "Infinity", "0x10", "1,5", "999999999999999999999g", " 4"])(
  "input 42 a limit of %j is refused by the name of each limit, instead of being none",
  (value) => {
    for (const name of limits) expect([name, problems({ ...good, [name]: value })]).toEqual([name, [name]]);
  },
);

test.each(["0", "0s", "∞", "Infinity", "-1s", "1e9s", "NaN", "25d", "10"])("input 43 a time limit of %j is refused", (value) => {
  expect(problems({ ...good, BUILD_TIMEOUT: value })).toEqual(["BUILD_TIMEOUT"]);
});

test("Caddy asks on loopback alone, where it may ask at all", () => {
  expect(readWorkerConfig(good).sitesAskListen).toBe("off");
  expect(readWorkerConfig({ ...good, SITES_ASK_LISTEN: "127.0.0.1:8446" }).sitesAskListen).toEqual({
    host: "127.0.0.1",
    port: 8446,
  });
  for (const open of [":8446", "0.0.0.0:8446", "10.0.0.1:8446", "on"])
    expect(problems({ ...good, SITES_ASK_LISTEN: open })).toEqual(["SITES_ASK_LISTEN"]);
});
