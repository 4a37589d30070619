import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { findToken } from "#central/operator/tokens.ts";
import { createLogger } from "#common/logger.ts";
import { createTestDatabase, type TestDatabase } from "#test/support/database.ts";
import { runCatapult } from "./run-catapult.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => database.drop());

async function run(...words: string[]) {
  return runCatapult(["tokens", ...words, "--local"], { env: { DATABASE_URL: database.url } });
}

test("the first token is made in an empty database, printed alone, listed and revoked", async () => {
  const early = await run("list");
  expect([early.code, early.err]).toEqual([1, expect.stringContaining("Central never ran")]);
  const made = await run("create", "first", "--scope", "read");
  expect([made.code, made.err]).toEqual([0, ""]);
  expect(made.out).toMatch(/^cat_[A-Za-z0-9_-]{43}\n$/);
  const pool = createPool(database.url, createLogger({ name: "test", level: "silent" }));
  try {
    expect(await findToken(pool, made.out.trim())).toEqual({ name: "first", scope: "read" });
    expect((await run("list")).out).toMatch(/^first +read +\S+Z +\S+Z$/m);
    const again = await run("create", "first");
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("there is a token first already")]);
    expect((await run("revoke", "first")).code).toBe(0);
    expect(await findToken(pool, made.out.trim())).toBeUndefined();
    expect((await run("revoke", "first")).code).toBe(0);
    const { rows } = await pool.query("select token, method, resource from audit_log order by id");
    expect(rows).toEqual([
      { token: "(local)", method: "CreateToken", resource: "tokens/first" },
      { token: "(local)", method: "RevokeToken", resource: "tokens/first" },
    ]);
  } finally {
    await pool.end();
  }
  const unknown = await run("revoke", "second");
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("second")]);
});

test("a name that is none is refused as a mistake in typing", async () => {
  const { code, err } = await run("create", "Not A Name");
  expect([code, err]).toEqual([2, expect.stringContaining("name:")]);
});

test("a database that cannot be reached is named without its password", async () => {
  const env = { DATABASE_URL: "postgres://someone:hunter2@127.0.0.1:1/central" };
  const { code, err } = await runCatapult(["tokens", "list", "--local"], { env });
  expect([code, err]).toEqual([1, expect.stringContaining("central at 127.0.0.1:1")]);
  expect(err).not.toContain("hunter2");
  const nonsense = await runCatapult(["tokens", "list", "--local"], { env: { DATABASE_URL: "mysql://x" } });
  expect([nonsense.code, nonsense.err]).toEqual([2, expect.stringContaining("postgres://")]);
});
