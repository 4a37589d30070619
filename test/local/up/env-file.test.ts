import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dropOwnValues, formatEnvFile, parseEnvFile, writeEnvFile } from "#local/up/env-file.ts";

let folder: string;
const values = {
  CATAPULT_TOKEN: "cat_x",
  CATAPULT_CA_FILE: "/home/some one's/$HOME/`id`/ca.pem",
  DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c?x="y"&z=\\',
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "catapult it's env "));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("A shell that sources the file has exactly the values, and the cli folder first on its PATH.", async () => {
  const file = path.join(folder, "env");
  await writeEnvFile(file, formatEnvFile(values, { prepend: path.join(folder, "cli") }));
  const script =
    '. "$1"; for name in CATAPULT_TOKEN CATAPULT_CA_FILE DATABASE_URL PATH; do eval "printf \'%s\\n\' \\"\\$$name\\""; done';
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script, "sh", file], { env: { PATH: "/usr/bin:/bin" } });
  expect(stdout.trimEnd().split("\n")).toEqual([...Object.values(values), `${folder}/cli:/usr/bin:/bin`]);
});

test("The file reads back as it was written, and only its owner can read it.", async () => {
  const file = path.join(folder, "env");
  const content = formatEnvFile(values, { prepend: "/x" });
  await writeEnvFile(file, content);
  expect(parseEnvFile(content)).toEqual(values);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("A variable that has the file's own value counts as unset; another value of it stays.", async () => {
  const file = path.join(folder, "env");
  await writeEnvFile(file, formatEnvFile(values, { prepend: "/x" }));
  const env = { ...values, DATABASE_URL: "postgres://elsewhere/db", HOME: "/root" };
  expect(await dropOwnValues(env, file)).toEqual({ DATABASE_URL: "postgres://elsewhere/db", HOME: "/root" });
});

test("Without a file every variable stays.", async () => {
  expect(await dropOwnValues(values, path.join(folder, "none"))).toEqual(values);
});
