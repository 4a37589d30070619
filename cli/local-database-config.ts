import { parseText } from "#common/config/parse.ts";
import { variable } from "#common/config/read-config.ts";

export const databaseVariables = {
  databaseUrl: variable("DATABASE_URL", parseText, { help: "Central's PostgreSQL: postgres://user:password@host:port/name" }),
};
