import { parseSecretKey } from "#common/config/parse-secret-key.ts";
import { parseText } from "#common/config/parse.ts";
import { optional, variable } from "#common/config/read-config.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { databaseVariables } from "../local-database-config.ts";

/** For calls of a worker to Central. */
export const workerKeyVariables = {
  key: variable("WORKER_KEY", parseWorkerKeyFile, { help: "the worker's key file, to sign its calls to Central" }),
};

/** For calls of Central to a worker. */
export const centralKeyVariables = {
  ...databaseVariables,
  secretKey: variable("CENTRAL_SECRET_KEY", parseSecretKey, {
    help: "the key under which keys are stored, to sign calls to a worker",
  }),
};

/** What help lists: which of them are needed depends on the method. */
export const signVariables = {
  key: optional("WORKER_KEY", parseText, { help: workerKeyVariables.key.help }),
  databaseUrl: optional("DATABASE_URL", parseText, { help: "Central's PostgreSQL, to sign calls to a worker" }),
  secretKey: optional("CENTRAL_SECRET_KEY", parseText, { help: centralKeyVariables.secretKey.help }),
};
