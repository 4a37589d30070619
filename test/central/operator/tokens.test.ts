import { createHash } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { createTokenFinder } from "#central/operator/create-token-finder.ts";
import {
  createToken,
  findToken,
  listTokens,
  revokeToken,
  TokenNameTakenError,
  TokenValueError,
} from "#central/operator/tokens.ts";
import { newToken } from "#central/operator/token.ts";
import { touchToken } from "#central/operator/sql/touch-token.ts";
import { createLogger } from "#common/logger.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  const log = createLogger({ name: "test", level: "silent" });
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function usedAt(name: string): Promise<string | null> {
  const { rows } = await pool.query<{ used_at: string | null }>(`select used_at::text from operator_tokens where name = $1`, [
    name,
  ]);
  return rows[0]!.used_at;
}

test("a token is 256 random bits of which only the hash is stored", async () => {
  const token = await createToken(pool, { name: "first", scope: "read" });
  expect(token).toMatch(/^cat_[A-Za-z0-9_-]{43}$/);
  const { rows } = await pool.query<{ token_hash: Buffer; all: string }>(
    `select token_hash, t::text as all from operator_tokens t where name = 'first'`,
  );
  expect(rows[0]?.token_hash).toEqual(createHash("sha256").update(token).digest());
  expect(rows[0]?.all).not.toContain(token.slice(4));
  expect(await createToken(pool, { name: "second", scope: "read" })).not.toBe(token);
});

test("a token is found by all of it and nothing less", async () => {
  const token = await createToken(pool, { name: "whole", scope: "write" });
  expect(await findToken(pool, token)).toEqual({ name: "whole", scope: "write" });
  const other = token.endsWith("A") ? "E" : "A";
  for (const bearer of [token.slice(0, -1), `${token}A`, token.slice(0, -1) + other, token.slice(4), ` ${token}`, "", "\u0000"]) {
    expect(await findToken(pool, bearer)).toBeUndefined();
  }
});

test("a revoked token is refused at once; revoking again keeps the time, and its name stays taken", async () => {
  const token = await createToken(pool, { name: "gone", scope: "write" });
  expect(await revokeToken(pool, "gone")).toBe(true);
  expect(await findToken(pool, token)).toBeUndefined();
  const first = (await listTokens(pool)).find((row) => row.name === "gone")?.revoked_at;
  expect(await revokeToken(pool, "gone")).toBe(true);
  expect((await listTokens(pool)).find((row) => row.name === "gone")?.revoked_at).toEqual(first);
  expect(await revokeToken(pool, "never-was")).toBe(false);
  await expect(createToken(pool, { name: "gone", scope: "read" })).rejects.toThrow(TokenNameTakenError);
});

test("a use is noted, at most once a minute", async () => {
  const token = await createToken(pool, { name: "busy", scope: "read" });
  expect(await usedAt("busy")).toBeNull();
  await findToken(pool, token);
  const first = await usedAt("busy");
  expect(first).not.toBeNull();
  await Promise.all(Array.from({ length: 5 }, async () => findToken(pool, token)));
  expect(await usedAt("busy")).toBe(first);
  await pool.query(`update operator_tokens set used_at = now() - interval '61 s' where name = 'busy'`);
  await findToken(pool, token);
  expect((await usedAt("busy"))! > first!).toBe(true);
});

test("a use that others noted meanwhile is not written again, and within the minute nobody waits for the row", async () => {
  const token = await createToken(pool, { name: "crowd", scope: "read" });
  await findToken(pool, token);
  const first = await usedAt("crowd");
  const { rows } = await pool.query<{ id: bigint }>(`select id from operator_tokens where name = 'crowd'`);
  await touchToken(pool, rows[0]!.id);
  expect(await usedAt("crowd")).toBe(first);
  const other = await pool.connect();
  await other.query("begin");
  await other.query(`select from operator_tokens where name = 'crowd' for update`);
  try {
    expect(await findToken(pool, token)).toEqual({ name: "crowd", scope: "read" });
  } finally {
    await other.query("rollback");
    other.release();
  }
});

test.each(["", "A", "-a", "a-", "a b", "a".repeat(65), "a\n"])("a token cannot be called %j", async (name) => {
  await expect(createToken(pool, { name, scope: "read" })).rejects.toThrow(TokenValueError);
});

test("a revoked token writes nothing from then on and reads for less than a second more, and what is unknown is asked each time", async () => {
  let time = 0;
  const find = createTokenFinder(pool, () => time);
  const token = await createToken(pool, { name: "kept", scope: "write" });
  const found = { name: "kept", scope: "write" };
  expect(await find(token, "read")).toEqual(found);
  await revokeToken(pool, "kept");
  time = 999;
  expect(await find(token, "read")).toEqual(found);
  expect(await find(token, "write")).toBeUndefined();
  // What the write found out holds for reads too.
  expect(await find(token, "read")).toBeUndefined();
  const other = newToken();
  expect(await find(other, "read")).toBeUndefined();
  const later = await createToken(pool, { name: "later", scope: "read" });
  expect(await find(later, "read")).toEqual({ name: "later", scope: "read" });
  await revokeToken(pool, "later");
  time = 1_999;
  expect(await find(later, "read")).toBeUndefined();
});
