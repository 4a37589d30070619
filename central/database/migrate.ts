import { readdir, readFile } from "node:fs/promises";
import { Logger as GraphileLogger, runMigrations } from "graphile-worker";
import type pg from "pg";
import type { Logger } from "#common/logger.ts";

const directory = new URL("./migrations/", import.meta.url);
// Any number that no other program on this database takes; replicas that start together wait for each other on it.
const lockKey = 7_262_401_337;

export class NewerSchemaError extends Error {
  override name = "NewerSchemaError";
}

type Migration = { number: number; name: string };

// Brings the schema to what this version of Central needs, ours and then graphile-worker's. Refuses a database that a newer
// version has migrated: an old Central would write rows that break the new one's rules.
export async function migrate(pool: pg.Pool, log: Logger): Promise<void> {
  const migrations = await listMigrations();
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("select pg_advisory_lock($1)", [lockKey]);
    try {
      await applyMigrations(client, migrations, log);
      await runMigrations({ pgPool: pool, logger: graphileLogger(log) });
    } finally {
      await client.query("select pg_advisory_unlock($1)", [lockKey]).catch((error: Error) => {
        broken = error;
      });
    }
  } finally {
    client.release(broken);
  }
}

async function listMigrations(): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).toSorted();
  return names.map((name) => ({ number: Number(name.slice(0, 4)), name }));
}

async function applyMigrations(client: pg.PoolClient, migrations: Migration[], log: Logger): Promise<void> {
  await client.query(
    "create table if not exists schema_migrations (number integer primary key, name text not null, applied_at timestamptz not null default now())",
  );
  const { rows } = await client.query<{ number: number; name: string }>(
    "select number, name from schema_migrations order by number",
  );
  const newest = migrations.at(-1)?.number ?? 0;
  const unknown = rows.find((row) => row.number > newest);
  if (unknown !== undefined) {
    throw new NewerSchemaError(
      `the database has migration ${unknown.name}, this Central knows migrations up to ${newest}: start the version of Central that migrated it, or a newer one`,
    );
  }
  const applied = new Set(rows.map((row) => row.number));
  for (const migration of migrations) {
    if (applied.has(migration.number)) continue;
    await applyMigration(client, migration);
    log.info({ migration: migration.name }, "migration applied");
  }
}

async function applyMigration(client: pg.PoolClient, migration: Migration): Promise<void> {
  const sql = await readFile(new URL(migration.name, directory), "utf8");
  await client.query("begin");
  try {
    await client.query(sql);
    await client.query("insert into schema_migrations (number, name) values ($1, $2)", [migration.number, migration.name]);
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback");
    throw new Error(
      `migration ${migration.name} failed and was rolled back: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

export function graphileLogger(log: Logger): GraphileLogger {
  return new GraphileLogger(() => (level, message, meta) => {
    const name: string = level;
    if (name === "error") log.error({ meta }, message);
    else if (name === "warning") log.warn({ meta }, message);
    else log.debug({ meta }, message);
  });
}
