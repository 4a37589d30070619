import type { Releasers } from "#common/lifecycle.ts";
import { startTelemetry } from "#common/telemetry/start-telemetry.ts";
import type { Logger } from "#common/logger.ts";
import { startMetricsServer } from "#common/metrics/start-metrics-server.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import type { CentralConfig } from "./config.ts";
import { createTasks } from "./create-tasks.ts";
import { migrate } from "./database/migrate.ts";
import { createPool } from "./database/pool.ts";
import { createWorkerClients } from "./dispatch/create-worker-clients.ts";
import { createGitHub } from "./github/create-github.ts";
import { createIntake } from "./intake/create-intake.ts";
import { runJobs } from "./jobs/run-jobs.ts";
import { createCentralMetrics } from "./metrics/create-central-metrics.ts";
import { addOperatorService } from "./operator/add-operator-service.ts";
import { createTokenFinder } from "./operator/create-token-finder.ts";
import { startGitHubSweepers } from "./reconcile/start-git-hub-sweepers.ts";
import { startSweepers } from "./reconcile/start-sweepers.ts";
import { startWorkerSweepers } from "./reconcile/start-worker-sweepers.ts";
import { createCentralService } from "./status/create-central-service.ts";
import { createKeyFinder } from "./status/create-key-finder.ts";
import { createNonceStore } from "./status/create-nonce-store.ts";
import { trustCertificates } from "./trust-certificates.ts";
import { createDeploymentFeeds } from "./watch/create-deployment-feeds.ts";
import { createHttpHandler } from "./webhook/create-http-handler.ts";
import { canStoreDeliveries } from "./webhook/sql/can-store-deliveries.ts";

/** Central, whole: what is pushed last is stopped first, so that nothing new comes in while the rest drains. */
export async function startCentral(config: CentralConfig, log: Logger, releasers: Releasers): Promise<{ url: string }> {
  await startTelemetry({ service: "catapult-central", endpoint: config.otlpEndpoint, releasers });
  if (config.ca !== undefined) trustCertificates(config.ca);
  const { secretKey } = config;

  const pool = createPool(config.databaseUrl, log);
  releasers.push("database pool", async () => pool.end());
  await migrate(pool, log);

  const github = createGitHub({ appId: config.appId, privateKey: config.privateKey, apiUrl: config.githubApiUrl }, pool, log);
  const workers = createWorkerClients({ pool, secretKey, ca: config.ca });
  releasers.push("worker clients", () => workers.close());

  const metrics = createCentralMetrics({ pool });
  const jobs = await runJobs({ pool, tasks: createTasks({ pool, github, workers, secretKey, log }), log });
  releasers.push("job queue", async () => jobs.stop());
  const sweepers = startSweepers({
    pool,
    retention: { deliveriesMs: config.deliveriesKeepMs, logsMs: config.logsKeepMs, historyMs: config.historyKeepMs },
    log,
  });
  releasers.push("sweepers", async () => sweepers.stop());
  const workerSweepers = startWorkerSweepers({ pool, workers, log });
  releasers.push("comparison with workers", async () => workerSweepers.stop());
  const intake = createIntake({ pool, github, log });
  releasers.push("intake", async () => intake.stop());

  const feeds = createDeploymentFeeds({ pool, log });
  const server = await startRpcServer({
    listen: config.listen,
    tls: config.tls,
    routes: (router) => {
      router.service(CentralService, createCentralService({ pool, log, onEnded: metrics.observeDeployment }));
      addOperatorService(router, { pool, github, secretKey, workers, feeds, log });
    },
    signatures: {
      header: workerSignatureHeader,
      recipient: "central",
      findKey: createKeyFinder({ pool, secretKey }),
      nonces: createNonceStore(pool),
    },
    tokens: createTokenFinder(pool),
    http: createHttpHandler({
      pool,
      secrets: config.webhookSecrets,
      onStored: () => intake.wake(),
      onAnswered: metrics.countWebhook,
      log,
    }),
    observe: metrics.observeRpc,
    isReady: async () => canStoreDeliveries(pool),
    log,
  });
  releasers.push("server", async () => server.stop());
  // Before the server: it would wait for streams that end by themselves only when a build does.
  releasers.push("streams", () => feeds.stop());
  const comparison = startGitHubSweepers({ pool, github, log, everyMs: config.reconcileEveryMs });
  releasers.push("comparison with GitHub", async () => comparison.stop());
  if (config.metricsListen !== "off") {
    const served = await startMetricsServer({ ...metrics, listen: config.metricsListen, log });
    releasers.push("metrics", async () => served.stop());
  }
  // First of all, and not awaited here: nothing new is begun while the server still answers what it has taken.
  releasers.push("new work", () => {
    for (const part of [jobs, sweepers, workerSweepers, intake, comparison]) void part.stop();
  });
  log.info({ url: server.url, publicUrl: config.centralUrl }, "Central is up");
  return { url: server.url };
}
