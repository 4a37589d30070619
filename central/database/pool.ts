import { Pool, TypeOverrides } from "pg";
import type { Logger } from "#common/logger.ts";

export { withTransaction } from "./with-transaction.ts";

// Ids and generations are bigint throughout: the protocol's int64 is one too, and GitHub's ids may pass 2^53.
const types = new TypeOverrides();
types.setTypeParser(20, (value: string) => BigInt(value));

/** Beyond statement_timeout, by which a server that lives has answered. */
const answerMs = 40_000;

/**
 * `answerMs`: how long a query is waited for. A machine that lost its power in mid-query says nothing any more, and whoever waits for it, such
 * as the intake, would do so for ever.
 */
export function createPool(url: string, log: Logger, o: { answerMs?: number } = {}): Pool {
  const pool = new Pool({
    connectionString: url,
    types,
    max: 20,
    application_name: "catapult-central",
    connectionTimeoutMillis: 5_000,
    // Ten minutes: a burst that must open a dozen anew first is late by 200 ms, where reads take one.
    idleTimeoutMillis: 600_000,
    statement_timeout: 30_000,
    query_timeout: o.answerMs ?? answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // A replica that is frozen in mid-transaction must not keep rows from the others: between two statements there is nothing to wait for.
    idle_in_transaction_session_timeout: 15_000,
  });
  // An idle connection that breaks raises an event; unheard, it would end the process. The pool replaces it by itself.
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection broke"));
  // The same for one that is in use: its query fails, and whoever made it handles that.
  pool.on("connect", (client) => client.on("error", (error) => log.warn({ err: error }, "a database connection broke")));
  return pool;
}
