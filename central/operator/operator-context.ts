import type pg from "pg";
import type { WorkerClients } from "#central/dispatch/create-worker-clients.ts";
import type { GitHub } from "#central/github/create-github.ts";
import type { DeploymentFeeds } from "#central/watch/create-deployment-feeds.ts";
import type { Logger } from "#common/logger.ts";

export type OperatorContext = {
  pool: pg.Pool;
  github: GitHub;
  secretKey: Buffer;
  log: Logger;
  /** To ask a worker which releases it has; without, that is not asked. */
  workers?: WorkerClients;
  feeds: DeploymentFeeds;
};
