import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Releasers } from "#common/lifecycle.ts";
import { startTelemetry } from "#common/telemetry/start-telemetry.ts";
import type { Logger } from "#common/logger.ts";
import { startMetricsServer } from "#common/metrics/start-metrics-server.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { centralSignatureHeader, createSigningInterceptor, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { createHttpHandler } from "#worker/accept/answer-http.ts";
import { createAcceptor } from "#worker/accept/create-acceptor.ts";
import { createResultReporter } from "#worker/accept/create-result-reporter.ts";
import { listSites } from "#worker/accept/list-sites.ts";
import { lockState } from "#worker/accept/lock-state.ts";
import { openNonceFiles } from "#worker/accept/nonce-files.ts";
import { createReadiness } from "#worker/accept/readiness.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { withDraining } from "#worker/accept/with-draining.ts";
import { createWorkerService } from "#worker/accept/worker-service.ts";
import { openCacheStore } from "#worker/build/cache-store.ts";
import { startIsolation } from "#worker/canary/start-isolation.ts";
import { createCaBundle } from "#worker/clone/create-ca-bundle.ts";
import type { WorkerConfig } from "#worker/config.ts";
import { createWork } from "#worker/create-work.ts";
import { describeSandbox } from "#worker/describe-sandbox.ts";
import { startDiskGuard } from "#worker/disk/start-disk-guard.ts";
import { createWorkerMetrics } from "#worker/metrics/create-worker-metrics.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { removeTemporaries } from "#worker/publish/collect-releases.ts";
import { removeTree } from "#worker/publish/remove-tree.ts";
import { liveFolder, siteFolder } from "#worker/publish/site-paths.ts";
import type { SendReport } from "#worker/report/create-reporter.ts";
import { createReadinessProbes } from "#worker/readiness-probes.ts";
import { readVersions } from "#worker/read-versions.ts";
import { startRoutes } from "#worker/start-routes.ts";

const gibibyte = 2 ** 30;
/** Whatever was done to Caddy is put right within 30 s, the time that a slow Caddy takes for it included. */
const reconcileMs = 10_000;
/** A trusted repository has one cache; the caches of all its forks' pull requests have half as much together. */
const cacheBudgets = {
  repository: { totalBytes: 8 * gibibyte, repositoryBytes: gibibyte },
  fork: { totalBytes: 2 * gibibyte, repositoryBytes: gibibyte / 2 },
};
/** Longer than any signed call can be repeated or any dispatch can wait. */
const forgetRemovedMs = 30 * 24 * 3_600_000;
/** What last reports get when the worker stops; Central's leases cover the rest. */
const lastReportsMs = 5_000;

/** A worker, whole: what is pushed last is stopped first, so that nothing new comes in while the rest ends. */
export async function startWorker(config: WorkerConfig, log: Logger, releasers: Releasers): Promise<{ url: string }> {
  await startTelemetry({ service: "catapult-worker", endpoint: config.otlpEndpoint, releasers });
  // Caddy runs as another user and reads the releases.
  process.umask(0o022);
  const { stateDir, sitesDir } = config;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  for (const folder of [liveFolder(sitesDir), siteFolder(sitesDir)]) await mkdir(folder, { recursive: true });
  releasers.push("state lock", await lockState(stateDir));

  const clonesDir = join(stateDir, "clones");
  await removeTree(clonesDir);
  await removeTemporaries(sitesDir);
  const store = await openSiteStore(join(stateDir, "sites"));
  await store.forgetRemoved(forgetRemovedMs);
  const nonces = await openNonceFiles(join(stateDir, "nonces"));
  releasers.push("nonces", () => nonces.close());
  const caches = await openCacheStore({ folder: join(stateDir, "caches"), maxBytes: gibibyte, budgets: cacheBudgets });

  const podman = connectPodman(config.podmanSocket);
  const sandbox = await describeSandbox(config, podman);
  const isolation = startIsolation({
    sandbox,
    target: config.buildCanaryTarget,
    slots: config.buildSlots,
    log,
    releasers,
  });

  const ca = config.caFile === undefined ? undefined : await readFile(config.caFile, "utf8");
  const gitCaFile = config.caFile === undefined ? undefined : await createCaBundle(stateDir, config.caFile);
  const { workerKey } = config;
  const central = createServiceClient(CentralService, {
    url: config.centralUrl,
    ...(ca === undefined ? {} : { ca }),
    interceptors: [createSigningInterceptor({ header: workerSignatureHeader, recipient: "central", key: () => workerKey.sign })],
    timeoutMs: 10_000,
    // The reporter repeats by itself, with what is newest then.
    retries: 0,
  });
  releasers.push("client of Central", () => central.close());
  const send: SendReport = (request, signal) => central.reportStatus(request, signal === undefined ? {} : { signal });

  const behind = new Set<Promise<void>>();
  const background = (work: Promise<void>): void => {
    const entry = work.catch((err: unknown) => log.warn({ err }, "a report was given up")).finally(() => behind.delete(entry));
    behind.add(entry);
  };
  const results = createResultReporter({ store, send, background });
  releasers.push("last reports", async () => {
    await Promise.race([Promise.all(behind), sleep(lastReportsMs)]);
    results.stop();
  });

  const routes = await startRoutes({ config, store, log, releasers });
  // Readiness looks at Caddy's guard as well, so that the log tells of one that is gone before the next build does.
  const timer = setInterval(() => void routes.reconcile().then(async () => readiness.check()), reconcileMs);
  releasers.push("reconcile timer", () => clearInterval(timer));

  const acceptor = createAcceptor({
    store,
    slots: config.buildSlots,
    onError: (err, siteId) => log.error({ err, site: String(siteId) }, "work ended by an error"),
    work: createWork({
      config,
      dependencies: { store, router: routes.router, send, results, background, sitesDir, log },
      builder: { ...sandbox, caches, maxSourceBytes: 2 * gibibyte, runInSandbox: (build) => isolation.run(build) },
      clonesDir,
      ...(ca === undefined ? {} : { ca }),
      ...(gitCaFile === undefined ? {} : { gitCaFile }),
    }),
  });
  releasers.push("running work", () => acceptor.stop());
  const disk = startDiskGuard({
    sitesDir,
    stateDir,
    watermark: config.diskLowWatermark,
    store,
    acceptor,
    caches,
    log,
    releasers,
  });

  const probed = createReadiness({
    probes: createReadinessProbes({
      config,
      podman,
      sweep: () => isolation.sweep(),
      reconcile: () => routes.router.reconcile(),
      shortOf: () => disk.check(),
    }),
    isolation: () => isolation.describe(),
    onProblem: (problems) => log.warn({ problems }, "not ready to build"),
  });
  const readiness = withDraining(probed, acceptor.isStopping);
  const metrics = createWorkerMetrics({
    slots: config.buildSlots,
    running: () => acceptor.running(),
    isolation: () => isolation.describe(),
    disk: disk.counts,
    routeRepairs: routes.repairs,
  });
  if (config.metricsListen !== "off") {
    const served = await startMetricsServer({ ...metrics, listen: config.metricsListen, log });
    releasers.push("metrics", () => served.stop());
  }
  const describeWorker = async () => ({
    slots: config.buildSlots,
    running: acceptor.running(),
    provenAt: isolation.provenAt(),
    versions: await readVersions({ podman, caddyAdmin: config.caddyAdmin }),
  });
  const server = await startRpcServer({
    listen: config.listen,
    tls: await readTls(config),
    routes: (served) =>
      served.service(
        WorkerService,
        createWorkerService({
          acceptor,
          readiness,
          listSites: (request) => listSites({ store, sitesDir, isWorking: acceptor.isWorking, describeWorker }, request),
        }),
      ),
    signatures: {
      header: centralSignatureHeader,
      recipient: workerKey.worker,
      findKey: async (kid) => {
        const found = workerKey.verify.find((key) => key.kid === kid);
        return found === undefined ? undefined : { key: found.key, caller: "central" };
      },
      nonces,
    },
    http: createHttpHandler(readiness),
    observe: metrics.observeRpc,
    isReady: async () => (await readiness.check()).problems.length === 0,
    log,
  });
  releasers.push("server", () => server.stop());
  // First of all, while the server still tells whoever asks that the worker is stopping.
  releasers.push("running builds", () => acceptor.drain(config.drainTimeout));
  await readiness.check();
  await acceptor.resume();
  results.resume();
  log.info({ url: server.url, worker: workerKey.worker }, "the worker is up");
  return { url: server.url };
}

async function readTls(config: WorkerConfig): Promise<{ cert: string; key: string } | "off"> {
  if (config.tls === "off" || config.tlsCertFile === undefined || config.tlsKeyFile === undefined) return "off";
  return { cert: await readFile(config.tlsCertFile, "utf8"), key: await readFile(config.tlsKeyFile, "utf8") };
}
