import { Code } from "@connectrpc/connect";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { createLineCache } from "./create-line-cache.ts";
import { createListener } from "./create-listener.ts";
import { readSnapshot, type Snapshot } from "./read-snapshot.ts";

/** One deployment as those who watch it here see it. All of them share what is read of it. */
export type Feed = {
  /** How it stands; read again only when something of it changed. undefined: it is gone. */
  read(): Promise<{ snapshot: Snapshot | undefined; version: number }>;
  /** Lines after `after`, in order, as many as one message carries; none: there are no more. */
  readLines(after: bigint, snapshot: Snapshot): Promise<{ first: bigint; lines: string[] }>;
  /** Waits until something may have changed since `version`, or the time is over. */
  wait(version: number, ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
};

export type DeploymentFeeds = {
  /** `token`: the name of the one that watches. */
  open(deploymentId: bigint, token: string): Feed;
  isTokenValid(name: string): Promise<boolean>;
  /** Ends all streams, so that they go on at another replica. */
  stop(): void;
};

type Shared = {
  watchers: number;
  version: number;
  wakeAt: number;
  timer: NodeJS.Timeout | undefined;
  waiting: Set<() => void>;
  read: { version: number; snapshot: Promise<Snapshot | undefined> } | undefined;
  readAt: number;
};

const maxWatchers = 1_000;
/** One token alone does not keep the others from watching. */
const maxWatchersOfToken = 250;
/** However fast a build talks, it is read and sent on this often. */
const pauseMs = 100;
/** What was notified while nobody could hear it is seen so long after the last reading, when a watcher's wait ends. */
const lookAgainMs = 10_000;

/**
 * What the watchers of this replica share: one connection that PostgreSQL tells of changes, one reading of each deployment per change, and one of
 * each piece of its log. Two hundred watchers of one build ask the database as much as one does.
 */
export function createDeploymentFeeds(o: { pool: Pool; log: Logger }): DeploymentFeeds {
  const feeds = new Map<bigint, Shared>();
  const lines = createLineCache(o.pool);
  const listener = createListener({ ...o, onChange: (id) => touch(id), onGap: () => feeds.forEach((_, id) => touch(id)) });
  const tokens = new Map<string, { at: number; valid: Promise<boolean> }>();
  let watchers = 0;
  const watchersOf = new Map<string, number>();
  let stopped = false;

  function touch(id: bigint): void {
    const shared = feeds.get(id);
    if (shared === undefined || shared.timer !== undefined) return;
    shared.timer = setTimeout(() => wake(shared), Math.max(0, shared.wakeAt - performance.now()));
  }

  function wake(shared: Shared): void {
    shared.timer = undefined;
    shared.wakeAt = performance.now() + pauseMs;
    shared.version += 1;
    for (const resume of shared.waiting) resume();
    shared.waiting.clear();
  }

  function open(id: bigint, token: string): Feed {
    refuseWhileStopping();
    const own = watchersOf.get(token) ?? 0;
    if (own >= maxWatchersOfToken) {
      const message = `the token ${token} watches ${own} deployments here already, as many as one may`;
      throw reasonError(Code.ResourceExhausted, "too_many_watchers_of_token", message, { retryAfterMs: 10_000 });
    }
    if (watchers >= maxWatchers) {
      throw reasonError(Code.ResourceExhausted, "too_many_watchers", `${maxWatchers} deployments are watched here already`, {
        retryAfterMs: 10_000,
      });
    }
    watchers += 1;
    watchersOf.set(token, own + 1);
    let shared = feeds.get(id);
    if (shared === undefined) {
      shared = { watchers: 0, version: 0, wakeAt: 0, timer: undefined, waiting: new Set(), read: undefined, readAt: 0 };
      feeds.set(id, shared);
    }
    shared.watchers += 1;
    listener.start();
    return createFeed(id, shared, token);
  }

  function createFeed(id: bigint, shared: Shared, token: string): Feed {
    let closed = false;
    return {
      async read() {
        refuseWhileStopping();
        await listener.ready();
        const { version } = shared;
        if (shared.read?.version !== version) {
          const snapshot = readSnapshot(o.pool, id);
          shared.read = { version, snapshot };
          shared.readAt = performance.now();
          // What failed is not kept: the next watcher asks again.
          snapshot.catch(() => (shared.read = undefined));
        }
        return { snapshot: await shared.read.snapshot, version };
      },
      async readLines(after, snapshot) {
        refuseWhileStopping();
        return lines.read(id, after, snapshot.lastLine);
      },
      async wait(version, ms, signal) {
        if (shared.version !== version || stopped) return;
        await new Promise<void>((resolve) => {
          const end = () => {
            clearTimeout(timer);
            signal.removeEventListener("abort", end);
            shared.waiting.delete(end);
            resolve();
          };
          const timer = setTimeout(() => {
            end();
            if (performance.now() - shared.readAt >= lookAgainMs) touch(id);
          }, ms);
          signal.addEventListener("abort", end, { once: true });
          shared.waiting.add(end);
        });
      },
      close() {
        if (closed) return;
        closed = true;
        watchers -= 1;
        const left = (watchersOf.get(token) ?? 1) - 1;
        if (left > 0) watchersOf.set(token, left);
        else watchersOf.delete(token);
        shared.watchers -= 1;
        if (shared.watchers > 0) return;
        clearTimeout(shared.timer);
        feeds.delete(id);
        lines.forget(id);
        if (feeds.size === 0) listener.stop();
      },
    };
  }

  function refuseWhileStopping(): void {
    if (stopped) throw reasonError(Code.Unavailable, "unavailable", "Central is stopping: watch again, from the last line");
  }

  return {
    open,
    async isTokenValid(name) {
      const known = tokens.get(name);
      if (known !== undefined && performance.now() - known.at < 1_000) return known.valid;
      const valid = o.pool
        .query(`select from operator_tokens where name = $1 and revoked_at is null`, [name])
        .then(({ rowCount }) => rowCount === 1);
      if (tokens.size > 1_000) tokens.clear();
      tokens.set(name, { at: performance.now(), valid });
      return valid;
    },
    stop() {
      stopped = true;
      for (const shared of feeds.values()) wake(shared);
      listener.stop();
    },
  };
}
