import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DatabaseError } from "pg";
import { inject } from "vitest";
import { migrate } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { createLogger } from "#common/logger.ts";

export type TestDatabase = { url: string; drop(): Promise<void> };

/** An empty database of its own on the run's server, made from template1 in about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase("template1");
}

/** The same with Central's schema in it: a copy of one that the first of a run has migrated, which takes a third of the time. */
export async function createMigratedDatabase(): Promise<TestDatabase> {
  const template = inject("migratedTemplate");
  try {
    return await createDatabase(template);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== noSuchDatabase) throw error;
  }
  await createTemplate(template);
  return createDatabase(template);
}

const noSuchDatabase = "3D000";

async function createDatabase(template: string): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
  await withClient(server, (client) => client.query(`create database ${name} template ${template}`));
  return { url: urlOf(name), drop: async () => withClient(server, async (client) => dropDatabase(client, name)) };
}

function urlOf(name: string): string {
  const url = new URL(inject("postgresUrl"));
  url.pathname = `/${name}`;
  return url.href;
}

/** Under another name until it is whole. Files that start at once wait for the one that makes it. */
async function createTemplate(template: string): Promise<void> {
  await withClient(inject("postgresUrl"), async (client) => {
    // As the database's name, given up with this session.
    await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [template]);
    const { rowCount } = await client.query("select from pg_database where datname = $1", [template]);
    if (rowCount !== 0) return;
    const database = await createDatabase("template1");
    const log = createLogger({ name: "test", level: "silent" });
    const pool = createPool(database.url, log);
    try {
      await migrate(pool, log);
    } finally {
      await pool.end();
    }
    await renameDatabase(client, new URL(database.url).pathname.slice(1), template);
  });
}

async function renameDatabase(client: Client, from: string, to: string): Promise<void> {
  // Its last session ends some milliseconds after its client.
  for (let open = 1, waited = 0; open > 0 && waited < 2000; waited += 20) {
    open = (await findConnections(client, from)).length;
    if (open > 0) await sleep(20);
  }
  await client.query(`alter database ${from} rename to ${to}`);
}

/** Drops it whatever happens, and fails when a test left connections open. */
async function dropDatabase(client: Client, name: string): Promise<void> {
  let open = await findConnections(client, name);
  // A server process outlives the socket that its client closed by some milliseconds.
  for (let waited = 0; open.length > 0 && waited < 2000; waited += 20) {
    await sleep(20);
    open = await findConnections(client, name);
  }
  await client.query(`drop database ${name} with (force)`);
  if (open.length > 0)
    throw new Error(`${open.length} connections to the test database were left open; they last ran: ${open.join(" | ")}`);
}

async function findConnections(client: Client, name: string): Promise<string[]> {
  const { rows } = await client.query<{ query: string }>(
    `select query from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
    [name],
  );
  return rows.map((row) => row.query.slice(0, 200));
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
