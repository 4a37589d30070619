import { parseInteger, parseText } from "#common/config/parse.ts";
import { optional } from "#common/config/read-config.ts";
import { buildLimits } from "./daemon-environment.ts";

const parsePort = parseInteger({ min: 1, max: 65_535 });
const port = (name: string, what: string) =>
  optional(name, parsePort, { help: `the port of ${what}; without it, a free one that is kept` });

/** What listens, and the environment variable that fixes its port. */
export const portVariables = {
  postgres: port("CATAPULT_PORT_POSTGRES", "PostgreSQL"),
  central: port("CATAPULT_PORT_CENTRAL", "Central"),
  centralMetrics: port("CATAPULT_PORT_CENTRAL_METRICS", "Central's metrics"),
  worker: port("CATAPULT_PORT_WORKER", "the worker"),
  workerMetrics: port("CATAPULT_PORT_WORKER_METRICS", "the worker's metrics"),
  sites: port("CATAPULT_PORT_SITES", "the sites, served by Caddy"),
  forge: port("CATAPULT_PORT_FORGE", "the forge, which stands in GitHub's place"),
};

export const databaseVariables = {
  databaseUrl: optional("DATABASE_URL", parseText, { help: "a PostgreSQL to use in place of the embedded one" }),
};

/** They go to Central as they are, which reads them. */
export const githubVariables = {
  appId: optional("GITHUB_APP_ID", parseText, { help: "a GitHub App's id: work with GitHub in place of the forge" }),
  privateKey: optional("GITHUB_PRIVATE_KEY", parseText, { help: "its private key, PEM; needed with GITHUB_APP_ID" }),
  webhookSecret: optional("GITHUB_WEBHOOK_SECRET", parseText, { help: "its webhook's secret; needed with GITHUB_APP_ID" }),
  apiUrl: optional("GITHUB_API_URL", parseText, { help: "GitHub's REST API, if it is not github.com's" }),
  url: optional("GITHUB_URL", parseText, { help: "GitHub, if it is not github.com" }),
};

/** What `--help` lists. */
export const upVariables = { ...databaseVariables, ...githubVariables, ...portVariables };

/** What goes on to the worker as it is. */
export const passedOn = [...buildLimits, "BUILD_DNS", "BUILD_CA_FILE"] as const;
