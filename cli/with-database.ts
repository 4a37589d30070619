import type pg from "pg";
import { createPool } from "#central/database/pool.ts";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { createLogger, type Logger } from "#common/logger.ts";
import { CommandError, UsageError } from "./errors.ts";

/** Runs work on Central's database. A failure to reach it says where that was tried, without the password. */
export async function withDatabase<T>(url: string, work: (pool: pg.Pool, log: Logger) => Promise<T>): Promise<T> {
  const place = describePlace(url);
  const log = createLogger({ name: "catapult", level: "silent" });
  const pool = createPool(url, log);
  try {
    await pool.query("select 1").catch((error: unknown) => {
      const came = errorMessage(error) || errorCode(error);
      throw new CommandError(`could not reach the database ${place}: ${came}.\nIs it running, and is DATABASE_URL right?`, {
        cause: error,
      });
    });
    return await work(pool, log);
  } finally {
    await pool.end();
  }
}

function describePlace(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new UsageError("DATABASE_URL: expected postgres://user:password@host:port/name");
  }
  return `${parsed.pathname.slice(1) || "(default)"} at ${parsed.host || "the local socket"}`;
}
