import { migrate } from "#central/database/migrate.ts";
import { createToken, listTokens, revokeToken, TokenNameTakenError, TokenValueError } from "#central/operator/tokens.ts";
import { readConfig } from "#common/config/read-config.ts";
import { errorCode } from "#common/error-details.ts";
import { CommandError, UsageError } from "./errors.ts";
import { databaseVariables } from "./local-database-config.ts";
import { formatTime, print, printJson, printList } from "./output/print.ts";
import { withDatabase } from "./with-database.ts";

// The first token is often made before Central ever ran: PostgreSQL answers undefined_table then.
const undefinedTable = "42P01";

export async function printNewLocalToken(name: string, options: { scope: string; json?: boolean }): Promise<void> {
  const scope = options.scope === "read" ? "read" : "write";
  const token = await createLocalToken({ name, scope });
  if (options.json === true) printJson({ name, scope, token });
  else print(token);
}

/** Makes a token in the database; an empty one gets its tables first. */
async function createLocalToken(token: { name: string; scope: "read" | "write" }): Promise<string> {
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

export async function printLocalTokens(options: { json?: boolean }): Promise<void> {
  const { databaseUrl } = readConfig(process.env, databaseVariables);
  const tokens = await withDatabase(databaseUrl, async (pool) => whereTablesAre(async () => listTokens(pool)));
  printList(tokens, {
    json: options.json,
    toJson: ({ name, scope, created_at, used_at, revoked_at }) => ({
      name,
      scope,
      createTime: created_at,
      useTime: used_at,
      revokeTime: revoked_at,
    }),
    columns: {
      NAME: (item) => item.name,
      SCOPE: (item) => item.scope,
      CREATED: (item) => formatTime(item.created_at),
      USED: (item) => formatTime(item.used_at) || "never",
      REVOKED: (item) => formatTime(item.revoked_at),
    },
    none: "There are no tokens.",
  });
}

export async function revokeLocalToken(name: string, options: { json?: boolean }): Promise<void> {
  const { databaseUrl } = readConfig(process.env, databaseVariables);
  const found = await withDatabase(databaseUrl, async (pool) => whereTablesAre(async () => revokeToken(pool, name)));
  if (!found)
    throw new CommandError(`could not revoke the token ${name}: there is none; \`catapult tokens list --local\` shows them`);
  if (options.json === true) printJson({ name });
  else print(`Token ${name} is revoked.`);
}

async function whereTablesAre<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) !== undefinedTable) throw error;
    throw new CommandError("the database that DATABASE_URL names is not Central's, or Central never ran on it", { cause: error });
  }
}
