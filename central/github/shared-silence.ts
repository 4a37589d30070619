import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { createSilence } from "./silence.ts";
import { recordSilence } from "./sql/record-silence.ts";
import { selectSilence } from "./sql/select-silence.ts";

export type SharedSilence = {
  /** Throws a SilencedError while it lasts, whichever replica was asked for it. */
  check(): Promise<void>;
  /** Leaves GitHub alone for so long, in every replica. */
  keep(ms: number): Promise<void>;
};

/** What another replica was told counts here after at most this long; a call costs no query of its own. */
const cacheMs = 1_000;

/** The silence of one client in all replicas, kept in the database. When that does not answer, what this process was told still counts. */
export function createSharedSilence(o: { pool: Pool; client: string; log: Logger }): SharedSilence {
  const own = createSilence();
  let read: { at: number; done: Promise<void> } | undefined;
  const refresh = async (): Promise<void> => {
    try {
      own.keep(await selectSilence(o.pool, o.client));
    } catch (err) {
      o.log.warn({ err, client: o.client }, "whether GitHub asked another replica to be left alone could not be read");
    }
  };
  return {
    async check() {
      own.check();
      const now = performance.now();
      if (read === undefined || now - read.at > cacheMs) read = { at: now, done: refresh() };
      await read.done;
      own.check();
    },
    async keep(ms) {
      if (ms <= 0) return;
      own.keep(ms);
      try {
        await recordSilence(o.pool, o.client, ms);
      } catch (err) {
        o.log.warn({ err, client: o.client }, "that GitHub asked to be left alone could not be told to other replicas");
      }
    },
  };
}
