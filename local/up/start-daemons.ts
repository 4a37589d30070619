import path from "node:path";
import type pg from "pg";
import { createPool } from "#central/database/pool.ts";
import { createLogger } from "#common/logger.ts";
import { createOperatorClient, keepToken, keepWorker, type Operator } from "./bootstrap.ts";
import { findBuildNetwork } from "./build-network.ts";
import type { GitHubChoice } from "./choose-github.ts";
import type { Ports } from "./choose-ports.ts";
import { inheritEnvironment } from "./daemon-environment.ts";
import { DaemonError, startDaemon } from "./start-daemon.ts";
import type { Foundation } from "./start-foundation.ts";
import type { Start } from "./start.ts";

/** What `up` needs to talk to the daemons, and what the env file says of them. */
export type Daemons = {
  pool: pg.Pool;
  operator: Operator;
  token: string;
  keyFile: string;
  centralUrl: string;
  workerUrl: string;
};

/** Starts Central, registers this machine's environment and worker with it, and starts the worker. */
export async function startDaemons(
  start: Start,
  o: { foundation: Foundation; github: GitHubChoice; ports: Ports; secretKeyFile: string; sitesUrl: string },
): Promise<Daemons> {
  const { stateDir, steps, releasers } = start;
  const { foundation, ports } = o;
  const { certificates, ca, forge } = foundation;
  const centralUrl = `https://127.0.0.1:${ports.central}`;
  const workerUrl = `https://127.0.0.1:${ports.worker}`;
  const githubVariables: Record<string, string> = {
    ...o.github.variables,
    ...(forge ? { GITHUB_URL: forge.url, GITHUB_API_URL: forge.apiUrl } : {}),
  };
  const shared = {
    ...inheritEnvironment(start.env),
    TLS_CERT_FILE: certificates.certFile,
    TLS_KEY_FILE: certificates.keyFile,
    CA_FILE: certificates.caFile,
    CENTRAL_URL: centralUrl,
  };

  await steps.run("Central", async () =>
    startOne(start, ca, "central", centralUrl, {
      ...shared,
      ...githubVariables,
      DATABASE_URL: foundation.databaseUrl,
      CENTRAL_LISTEN: `127.0.0.1:${ports.central}`,
      CENTRAL_SECRET_KEY_FILE: o.secretKeyFile,
      METRICS_LISTEN: `127.0.0.1:${ports.centralMetrics}`,
    }),
  );
  const pool = createPool(foundation.databaseUrl, createLogger({ name: "up", destination: { write: start.logTo("up") } }));
  releasers.push("database connections", async () => pool.end());
  const token = await keepToken(pool, stateDir);
  const operator = createOperatorClient({ url: centralUrl, ca, token });
  releasers.push("client of Central", () => operator.close());
  const keyFile = await keepWorker({ operator, pool, stateDir, sitesUrl: o.sitesUrl, endpoint: workerUrl });

  const network = await findBuildNetwork(start.env);
  // No secret of GitHub's or Central's: what the worker needs of them comes with each build.
  const addresses = Object.fromEntries(
    ["GITHUB_URL", "GITHUB_API_URL"].flatMap((name) => (githubVariables[name] ? [[name, githubVariables[name]]] : [])),
  );
  await steps.run("Worker", async () =>
    startOne(start, ca, "worker", workerUrl, {
      ...shared,
      ...addresses,
      ...network,
      WORKER_KEY_FILE: keyFile,
      WORKER_LISTEN: `127.0.0.1:${ports.worker}`,
      METRICS_LISTEN: `127.0.0.1:${ports.workerMetrics}`,
      PODMAN_SOCKET: foundation.podmanSocket,
      BUILD_IMAGE: foundation.image,
      CADDY_ADMIN: foundation.caddyAdmin,
      SITES_DIR: path.join(stateDir, "sites"),
      SITES_LISTEN: `127.0.0.1:${ports.sites}`,
      STATE_DIR: path.join(stateDir, "worker"),
    }),
  );
  return { pool, operator, token, keyFile, centralUrl, workerUrl };
}

async function startOne(
  start: Start,
  ca: string,
  name: "central" | "worker",
  url: string,
  env: Record<string, string>,
): Promise<void> {
  const { repositoryRoot, stateDir, signal } = start;
  const daemon = await startDaemon({ repositoryRoot, stateDir, name, env, readyUrl: `${url}/readyz`, ca, signal });
  start.releasers.push(name, async () => daemon.stop());
  start.emergencies.push(() => process.kill(-daemon.pid, "SIGKILL"));
  void daemon.ended.then((end) => start.fail(new DaemonError(`catapult ${name} ${end}. Its log is ${daemon.logFile}.`)));
}
