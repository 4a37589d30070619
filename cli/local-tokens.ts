import { migrate } from "#central/database/migrate.ts";
import {
  createToken,
  listTokens,
  revokeToken,
  TokenNameTakenError,
  TokenValueError,
  type TokenRow,
} from "#central/operator/tokens.ts";
import { readConfig } from "#common/config/read-config.ts";
import { errorCode } from "#common/error-details.ts";
import { CommandError, UsageError } from "./errors.ts";
import { databaseVariables } from "./local-database-config.ts";
import { withDatabase } from "./with-database.ts";

// The first token is often made before Central ever ran: PostgreSQL answers undefined_table then.
const undefinedTable = "42P01";

/** Makes a token in the database; an empty one gets its tables first. */
export async function createLocalToken(token: { name: string; scope: "read" | "write" }): Promise<string> {
  const { databaseUrl } = readConfig(process.env, databaseVariables);
  return withDatabase(databaseUrl, async (pool, log) => {
    try {
      return await createToken(pool, token);
    } catch (error) {
      if (error instanceof TokenValueError) throw new UsageError(error.message, { cause: error });
      if (error instanceof TokenNameTakenError)
        throw new CommandError(`could not make the token: ${error.message}`, { cause: error });
      if (errorCode(error) !== undefinedTable) throw error;
      await migrate(pool, log);
      return createToken(pool, token);
    }
  });
}

export async function listLocalTokens(): Promise<TokenRow[]> {
  const { databaseUrl } = readConfig(process.env, databaseVariables);
  return withDatabase(databaseUrl, async (pool) => whereTablesAre(async () => listTokens(pool)));
}

export async function revokeLocalToken(name: string): Promise<void> {
  const { databaseUrl } = readConfig(process.env, databaseVariables);
  const found = await withDatabase(databaseUrl, async (pool) => whereTablesAre(async () => revokeToken(pool, name)));
  if (!found)
    throw new CommandError(`could not revoke the token ${name}: there is none; \`catapult tokens list --local\` shows them`);
}

async function whereTablesAre<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) !== undefinedTable) throw error;
    throw new CommandError("the database that DATABASE_URL names is not Central's, or Central never ran on it", { cause: error });
  }
}
