import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
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
/** How often the session that holds the locks says a word, and how long PostgreSQL waits for one before it ends the session. */
const beatMs = 2_000;
const silenceSeconds = 10;

/**
 * Shows other replicas which job runners are alive: each is named by an advisory lock of one open session, which PostgreSQL gives up the moment
 * this process dies, and after ten seconds without a word from it: of a replica that is frozen, or whose machine lost its power or its network, TCP
 * tells nothing for hours. So its jobs are free again within seconds.
 */
export function holdReplicaLock(pool: Pool, log: Logger): ReplicaLock {
  const events: WorkerEvents = new EventEmitter();
  const workerIds: string[] = [];
  let session: Promise<PoolClient | undefined> | undefined;
  let released = false;

  const beat = setInterval(() => {
    // What fails ends the session, and that is heard as its error.
    void session?.then(async (client) => client?.query("select")).catch(() => undefined);
  }, beatMs);
  beat.unref();

  async function open(): Promise<PoolClient | undefined> {
    let client: PoolClient | undefined;
    try {
      client = await pool.connect();
      client.on("error", reopen);
      await client.query("select set_config('idle_session_timeout', $1, false)", [`${silenceSeconds}s`]);
      for (const id of workerIds) await lockReplica(client, id);
      return client;
    } catch (err) {
      log.warn({ err }, "the lock that shows this replica alive could not be taken");
      // Nobody else has it: kept, it would take one of the pool's places for ever, and the pool's end would wait for it.
      client?.release(true);
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

  const isReleased = (): boolean => released;
  // A runner that could not tell PostgreSQL of a job's end is replaced, and would keep the job and its queue for as long as this process lives.
  events.on("worker:fatalError", ({ worker }) => void free(worker.workerId));
  async function free(workerId: string): Promise<void> {
    while (!isReleased())
      try {
        await forceUnlock(pool, [workerId]);
        return;
      } catch (err) {
        log.warn({ err, runner: workerId }, "the job of a runner that ended could not be freed; it is tried again");
        await sleep(reacquireMs);
      }
  }

  return {
    events,
    async handBack() {
      await forceUnlock(pool, workerIds);
      return workerIds.length;
    },
    async release() {
      released = true;
      clearInterval(beat);
      const client = await session;
      session = undefined;
      client?.release(true);
    },
  };
}
