import type { Pool } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate, NewerSchemaError } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { createLogger } from "#common/logger.ts";
import { createTestDatabase, type TestDatabase } from "#test/support/database.ts";

const log = createLogger({ name: "test", level: "silent" });
let database: TestDatabase;
let pool: Pool;
let pools: Pool[];

beforeEach(async () => {
  database = await createTestDatabase();
  pools = [1, 2, 3].map(() => createPool(database.url, log));
  pool = createPool(database.url, log);
  pools.push(pool);
});
afterEach(async () => {
  for (const one of pools) await one.end();
  await database.drop();
});

test("replicas that start at once migrate once, and a later start changes nothing", async () => {
  await Promise.all(pools.map(async (one) => migrate(one, log)));
  const read = async () => (await pool.query("select * from schema_migrations order by number")).rows;
  const first = await read();
  expect(first.length).toBeGreaterThan(0);
  await migrate(pool, log);
  expect(await read()).toEqual(first);
  expect((await pool.query("select from graphile_worker.jobs")).rowCount).toBe(0);
});

test("a database that a newer version migrated is refused, with what to do", async () => {
  await migrate(pool, log);
  await pool.query("insert into schema_migrations (number, name) values (9999, '9999_later.sql')");
  const refused = migrate(pool, log);
  await expect(refused).rejects.toThrow(NewerSchemaError);
  await expect(refused).rejects.toThrow(/9999_later\.sql.*newer/);
});

test("int8 is bigint on the pool", async () => {
  const { rows } = await pool.query("select 9007199254740993::bigint as id");
  expect(rows[0]).toEqual({ id: 9_007_199_254_740_993n });
});
