import { EventEmitter } from "node:events";
import type { WorkerEventMap } from "graphile-worker";
import type { PoolClient } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { holdReplicaLock } from "#central/jobs/replica-lock.ts";
import { createLogger } from "#common/logger.ts";
import { createTestDatabase, type TestDatabase } from "#test/support/database.ts";
import { eventually } from "#test/support/eventually.ts";

const log = createLogger({ name: "test", level: "silent" });
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => database.drop());

test("a session that breaks while the lock is taken gives its place in the pool back", async () => {
  const pool = createPool(database.url, log);
  let broken = 0;
  // The first session ends before its first word.
  pool.once("connect", (client: PoolClient) => {
    const query = client.query.bind(client);
    Object.assign(client, {
      query: async () => {
        broken += 1;
        Object.assign(client, { query });
        throw new Error("terminating connection due to administrator command");
      },
    });
  });
  const lock = holdReplicaLock(pool, log);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that the lock reads of a runner's worker
  const created = { worker: { workerId: "worker-1" } } as WorkerEventMap["worker:create"];
  new EventEmitter().emit.call(lock.events, "worker:create", created);
  // Of this database: other files' Centrals hold theirs on the same server.
  const locks =
    "select from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())";
  const held = async () => (await pool.query(locks)).rowCount;
  await eventually(() => expect(broken).toBe(1));
  await eventually(async () => expect(await held()).toBe(1));
  // The session that holds the lock, and the one that was just asked by.
  expect(pool.totalCount).toBe(2);
  await lock.release();
  await pool.end();
});

test("the job of a runner that could not tell of its end is free again, though its replica lives", async () => {
  const pool = createPool(database.url, log);
  await migrate(pool, log);
  const { rows } = await pool.query<{ id: string }>("select id from graphile_worker.add_job('look', queue_name := 'look:1')");
  await pool.query("update graphile_worker._private_jobs set locked_by = 'worker-2', locked_at = now() where id = $1", [
    rows[0]!.id,
  ]);
  const lock = holdReplicaLock(pool, log);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that the lock reads of it
  const ended = { worker: { workerId: "worker-2" } } as WorkerEventMap["worker:fatalError"];
  new EventEmitter().emit.call(lock.events, "worker:fatalError", ended);
  await eventually(async () => {
    const { rows: jobs } = await pool.query<{ by: string | null }>("select locked_by as by from graphile_worker._private_jobs");
    expect(jobs).toEqual([{ by: null }]);
  });
  await lock.release();
  await pool.end();
});
