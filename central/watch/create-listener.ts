import type { Pool, PoolClient } from "pg";
import type { Logger } from "#common/logger.ts";

export type Listener = {
  /** Begins to listen, unless it does. */
  start(): void;
  /** Resolves once changes are heard; what is read after that misses none. */
  ready(): Promise<void>;
  stop(): void;
};

const again = 1_000;

/**
 * Hears from PostgreSQL which deployments change, over one connection. While that is broken nothing is heard: `onGap` is called when it is back, and
 * whoever watches looks again every so often anyhow.
 */
export function createListener(o: { pool: Pool; log: Logger; onChange: (id: bigint) => void; onGap: () => void }): Listener {
  let wanted = false;
  let session: Promise<PoolClient | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function open(): Promise<PoolClient | undefined> {
    let client: PoolClient | undefined;
    try {
      client = await o.pool.connect();
      client.on("notification", ({ payload }) => {
        if (payload !== undefined && /^\d{1,19}$/.test(payload)) o.onChange(BigInt(payload));
      });
      client.on("error", reopen);
      await client.query("listen catapult_deployment");
      o.onGap();
      return client;
    } catch (err) {
      o.log.warn({ err }, "changes of deployments are not heard");
      client?.release(true);
      session = undefined;
      reopen();
      return undefined;
    }
  }

  function reopen(): void {
    const broken = session;
    session = undefined;
    void broken?.then((client) => client?.release(true));
    if (!wanted) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (wanted) session ??= open();
    }, again);
    timer.unref();
  }

  return {
    start() {
      wanted = true;
      session ??= open();
    },
    async ready() {
      await session;
    },
    stop() {
      wanted = false;
      clearTimeout(timer);
      const ended = session;
      session = undefined;
      // Closed, not given back: nobody else is to hear its notifications.
      void ended?.then((client) => client?.release(true));
    },
  };
}
