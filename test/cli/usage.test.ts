import { expect, test } from "vitest";
import { runCatapult } from "./run-catapult.ts";

test.each([
  [["cnfigs"], "Did you mean configs?"],
  [["configs", "ls"], "Did you mean list?"],
  [["configs", "list", "--jsn"], "Did you mean --json?"],
  [["central", "somewhere"], "too many arguments"],
  [["up", "--state-dir", " "], "--state-dir: expected a folder's path"],
  [["configs", "remove"], "missing required argument 'owner/name'"],
  [["configs", "add", "a/b"], "--environment <name>"],
  [["environments", "add", "x"], "--suffix"],
  [
    ["configs", "add", "a/b", "--environment", "e", "--domain", "d", "--site-type", "jekyll"],
    "Allowed choices are auto, sveltekit",
  ],
  [["tokens", "create", "x"], "--local"],
  [["tokens", "create", "x", "--local", "--scope", "all"], "Allowed choices are read, write"],
])("%s is refused with a hint and exit code 2", async (words, hint) => {
  const { code, out, err } = await runCatapult(words);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(hint);
});

test("without a command it shows its help on standard error, since something is missing", async () => {
  const { code, out, err } = await runCatapult([]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("Commands:");
});

test("asked for help it shows it on standard output", async () => {
  const { code, out } = await runCatapult(["--help"]);
  expect(code).toBe(0);
  for (const command of [
    "up",
    "central",
    "worker",
    "doctor",
    "image",
    "tokens",
    "environments",
    "workers",
    "configs",
    "approve",
    "sign",
  ]) {
    expect(out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
  }
});

test.each([
  ["central", ["DATABASE_URL", "GITHUB_APP_ID", "CENTRAL_SECRET_KEY", "TLS_CERT_FILE"]],
  ["worker", ["WORKER_KEY", "CENTRAL_URL", "PODMAN_SOCKET", "BUILD_MEMORY"]],
  ["configs", ["CATAPULT_CENTRAL_URL", "CATAPULT_TOKEN", "CATAPULT_CA_FILE"]],
  ["up", ["DATABASE_URL", "GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET", "CATAPULT_PORT_SITES", "BUILD_MEMORY"]],
  ["sign", ["WORKER_KEY", "DATABASE_URL", "CENTRAL_SECRET_KEY"]],
])("the help of %s lists its environment variables", async (command, names) => {
  for (const words of [
    [command, "--help"],
    ["help", command],
  ]) {
    const { code, out } = await runCatapult(words);
    expect(code).toBe(0);
    for (const name of names) expect(out).toContain(name);
  }
});

test.each([
  [
    ["configs", "add"],
    ["CATAPULT_CENTRAL_URL", "CATAPULT_TOKEN", "CATAPULT_CA_FILE"],
  ],
  [
    ["environments", "list"],
    ["CATAPULT_CENTRAL_URL", "CATAPULT_TOKEN"],
  ],
  [
    ["workers", "add"],
    ["CATAPULT_CENTRAL_URL", "CATAPULT_TOKEN"],
  ],
  [["tokens", "create"], ["DATABASE_URL"]],
  [
    ["image", "build"],
    ["PODMAN_SOCKET", "STATE_DIR"],
  ],
  [["image", "export"], ["PODMAN_SOCKET"]],
])("the help of %s lists its environment variables, once", async (words, names) => {
  const { code, out } = await runCatapult([...words, "--help"]);
  expect(code).toBe(0);
  for (const name of names) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  expect(out.split("Environment variables:")).toHaveLength(2);
});

test.each([
  [["central"], ["DATABASE_URL", "GITHUB_APP_ID", "CENTRAL_URL", "CENTRAL_SECRET_KEY"]],
  [["worker"], ["WORKER_KEY", "CENTRAL_URL"]],
  [
    ["configs", "list"],
    ["CATAPULT_CENTRAL_URL", "CATAPULT_TOKEN"],
  ],
  [["tokens", "list", "--local"], ["DATABASE_URL"]],
])("%s without its variables names every one that is missing at once", async (words, names) => {
  const { code, out, err } = await runCatapult(words);
  expect([code, out]).toEqual([2, ""]);
  for (const name of names) expect(err).toContain(`  ${name}: is not set`);
  expect(err).not.toContain("    at ");
});

test("image says which socket no Podman answers at", async () => {
  const { code, err } = await runCatapult(["image", "build"], { env: { PODMAN_SOCKET: "/nowhere/podman.sock" } });
  expect(code).toBe(1);
  expect(err).toContain("/nowhere/podman.sock");
  expect(err).toContain("PODMAN_SOCKET");
});
