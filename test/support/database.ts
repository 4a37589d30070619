import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { inject } from "vitest";

export type TestDatabase = { url: string; drop(): Promise<void> };

/** An empty database of its own on the run's server, made from template1 in about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
  await withClient(server, (client) => client.query(`create database ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => withClient(server, async (client) => dropDatabase(client, name)) };
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
