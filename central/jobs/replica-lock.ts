import { EventEmitter } from "node:events";
import type { WorkerEvents } from "graphile-worker";
import type { Pool, PoolClient } from "pg";
import type { Logger } from "#common/logger.ts";
import { forceUnlock } from "./sql/force-unlock.ts";
import { lockReplica } from "./sql/lock-replica.ts";

export type ReplicaLock = {
  events: WorkerEvents;
  /** Frees the jobs that this replica still holds; answers how many runners it spoke for. */
  handBack(): Promise<number>;
  release(): Promise<void>;
};

const reacquireMs = 1_000;

/**
 * Shows other replicas which job runners are alive: each is named by an advisory lock of one open session, which PostgreSQL gives up the moment
 * this process dies. No clock and no heartbeat is needed, and a job of a killed replica is free again within seconds instead of hours.
 */
export function holdReplicaLock(pool: Pool, log: Logger): ReplicaLock {
  const events: WorkerEvents = new EventEmitter();
  const workerIds: string[] = [];
  let session: Promise<PoolClient | undefined> | undefined;
  let released = false;

  async function open(): Promise<PoolClient | undefined> {
    try {
      const client = await pool.connect();
      client.on("error", reopen);
      for (const id of workerIds) await lockReplica(client, id);
      return client;
    } catch (err) {
      log.warn({ err }, "the lock that shows this replica alive could not be taken");
      reopen();
      return undefined;
    }
  }

  function reopen(): void {
    if (released || session === undefined) return;
    void session.then((client) => client?.release(true));
    session = undefined;
    setTimeout(() => {
      if (!released) session ??= open();
    }, reacquireMs).unref();
  }

  events.on("worker:create", ({ worker }) => {
    workerIds.push(worker.workerId);
    session = (session ?? open()).then(async (client) => {
      if (client !== undefined) await lockReplica(client, worker.workerId).catch(reopen);
      return client;
    });
  });

  return {
    events,
    async handBack() {
      await forceUnlock(pool, workerIds);
      return workerIds.length;
    },
    async release() {
      released = true;
      const client = await session;
      session = undefined;
      client?.release(true);
    },
  };
}
