import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import type { GitHub } from "#central/github/create-github.ts";
import type { WorkerClients } from "./create-worker-clients.ts";

/** What every dispatch works with; the log bears the site and, once it is known, the deployment. */
export type DispatchContext = { pool: Pool; github: GitHub; workers: WorkerClients; secretKey: Buffer; log: Logger };
