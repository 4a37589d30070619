import { Client } from "pg";
import { expect, test } from "vitest";
import { createTestDatabase } from "./database.ts";

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
