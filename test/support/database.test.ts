import { Client } from "pg";
import { expect, test } from "vitest";
import { migrate } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { createLogger } from "#common/logger.ts";
import { createMigratedDatabase, createTestDatabase } from "./database.ts";

test("A test database is empty, speaks UTF-8 with plain byte order, and is gone after its drop.", async () => {
  const database = await createTestDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    `select (select count(*)::int from pg_tables where schemaname = 'public') as tables,
       current_setting('server_encoding') as encoding, (select datcollate from pg_database where datname = current_database()) as collation`,
  );
  await client.end();
  await database.drop();
  expect(rows).toEqual([{ tables: 0, encoding: "UTF8", collation: "C" }]);
  await expect(new Client({ connectionString: database.url }).connect()).rejects.toMatchObject({ code: "3D000" });
});

test("A test that leaves a connection open fails when its database is dropped, and the database is gone all the same.", async () => {
  const database = await createTestDatabase();
  const client = new Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("select 42");
  await expect(database.drop()).rejects.toThrow(/1 connections .* select 42/s);
  await expect(new Client({ connectionString: database.url }).connect()).rejects.toMatchObject({ code: "3D000" });
});

test("A migrated database has what a migration makes of an empty one, is another each time, and files that ask at once get theirs.", async () => {
  const log = createLogger({ name: "test", level: "silent" });
  const own = await createTestDatabase();
  const databases = [own, ...(await Promise.all([1, 2, 3].map(async () => createMigratedDatabase())))];
  const pools = databases.map(({ url }) => createPool(url, log));
  await migrate(pools[0]!, log);
  const columns = await Promise.all(
    pools.map(async (pool) => {
      const { rows } = await pool.query(
        `select table_schema, table_name, column_name, data_type, column_default, is_nullable from information_schema.columns
         where table_schema in ('public', 'graphile_worker') order by 1, 2, 3`,
      );
      return rows;
    }),
  );
  expect(columns[0]?.length).toBeGreaterThan(100);
  for (const each of columns.slice(1)) expect(each).toEqual(columns[0]);
  await pools[1]!.query(
    "insert into environments (name, domain_suffixes, sites_url) values ('one', '{one.test}', 'https://{host}')",
  );
  expect((await pools[2]!.query("select from environments")).rowCount).toBe(0);
  for (const pool of pools) await pool.end();
  for (const database of databases) await database.drop();
});
