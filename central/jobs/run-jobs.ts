import { setTimeout as sleep } from "node:timers/promises";
import { type Logger as GraphileLogger, type Runner, run, type TaskList } from "graphile-worker";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { graphileLogger } from "#central/database/migrate.ts";
import { holdReplicaLock, type ReplicaLock } from "./replica-lock.ts";

export type Jobs = { stop(): Promise<void> };

const concurrency = 8;
const restartMs = 2_000;
/** How long jobs may run on once the replica stops; a job takes milliseconds, or as long as GitHub or a worker hangs. */
const drainMs = 15_000;

/**
 * Runs the queue's tasks until stopped. A queue that ends because the database went away is started again: graphile-worker gives up where it
 * cannot record what became of a job.
 */
export async function runJobs(o: { pool: Pool; tasks: TaskList; log: Logger; drainMs?: number }): Promise<Jobs> {
  const logger = graphileLogger(o.log);
  let current: { runner: Runner; lock: ReplicaLock } | undefined = await start(o, logger);
  const stop = new AbortController();
  const loop = keepRunning();

  async function keepRunning(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        current ??= await start(o, logger);
        await current.runner.promise;
        if (stop.signal.aborted) return;
        o.log.warn("the job queue ended by itself, starting it again");
      } catch (err) {
        o.log.error({ err }, "the job queue failed, starting it again");
      }
      await current?.lock.release();
      current = undefined;
      await sleep(restartMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  async function drain(): Promise<void> {
    stop.abort();
    const draining = current;
    if (draining === undefined) return loop;
    const drained = (async () => {
      await draining.runner.stop().catch((err: unknown) => o.log.warn({ err }, "stopping the job queue"));
      await loop;
      return true;
    })();
    const timeout = sleep(o.drainMs ?? drainMs, false, { ref: false });
    // What hangs is handed back: another replica runs it at once, and every job is harmless beside itself.
    if (!(await Promise.race([drained, timeout]))) {
      const freed = await draining.lock.handBack();
      o.log.warn({ freed }, "jobs that did not end in time were handed back");
    }
    await draining.lock.release();
  }

  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopped ??= drain();
      return stopped;
    },
  };
}

async function start(
  o: { pool: Pool; tasks: TaskList; log: Logger },
  logger: GraphileLogger,
): Promise<{ runner: Runner; lock: ReplicaLock }> {
  const lock = holdReplicaLock(o.pool, o.log);
  const runner = await run({
    pgPool: o.pool,
    concurrency,
    taskList: o.tasks,
    // Otherwise it looks for a crontab in the working folder, and for signals, which are ours.
    parsedCronItems: [],
    noHandleSignals: true,
    pollInterval: 1_000,
    logger,
    events: lock.events,
  });
  return { runner, lock };
}
