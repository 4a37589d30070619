import type { Pool } from "pg";
import { Counter, createRegistry, durationBuckets, Gauge, Histogram, type Registry } from "#common/metrics/create-registry.ts";
import { observeRpcs } from "#common/metrics/observe-rpcs.ts";
import type { RpcObserver } from "#common/rpc/observe-rpc.ts";
import { readFigures } from "#central/reconcile/read-figures.ts";
import type { EndedDeployment } from "#central/status/report-status.ts";

export type CentralMetrics = {
  registry: Registry;
  observeRpc: RpcObserver;
  /** How a webhook request was answered. */
  countWebhook: (status: number) => void;
  observeDeployment: (ended: EndedDeployment) => void;
  /** Reads from the tables what all replicas share. */
  refresh: () => Promise<void>;
};

/** A scrape is answered from figures up to this old: they are read by scans. */
const keepMs = 5_000;

const outcomes: Readonly<Record<number, string>> = {
  202: "stored",
  400: "malformed",
  401: "unauthenticated",
  405: "malformed",
  413: "too_large",
  415: "malformed",
  503: "not_stored",
};

/** What Central counts itself, and what the tables say for all its replicas together. */
export function createCentralMetrics(o: { pool: Pool }): CentralMetrics {
  const registry = createRegistry();
  const registers = [registry];
  const webhooks = new Counter({
    name: "catapult_webhooks_total",
    help: "Webhook requests that this replica answered, by outcome",
    labelNames: ["outcome"],
    registers,
  });
  const ended = new Counter({
    name: "catapult_deployments_ended_total",
    help: "Deployments whose end a worker reported to this replica, by state",
    labelNames: ["state"],
    registers,
  });
  const stages = new Histogram({
    name: "catapult_stage_duration_seconds",
    help: "How long the stages of deployments took that ended, by the worker's clock",
    labelNames: ["stage"],
    buckets: durationBuckets,
    registers,
  });
  const shared = createSharedGauges(registry);
  let readAt = Number.NEGATIVE_INFINITY;

  return {
    registry,
    observeRpc: observeRpcs(registry),
    countWebhook: (status) => webhooks.inc({ outcome: outcomes[status] ?? "other" }),
    observeDeployment({ state, stageTimings }) {
      ended.inc({ state });
      for (const [stage, ms] of Object.entries(stageTimings)) stages.observe({ stage }, ms / 1000);
    },
    async refresh() {
      if (performance.now() - readAt < keepMs) return;
      try {
        shared.set(await readFigures(o.pool));
        readAt = performance.now();
      } catch (error) {
        shared.unknown();
        throw error;
      }
    },
  };
}

function createSharedGauges(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name, help: `${help}, in the database that all replicas share`, labelNames, registers: [registry] });
  const up = gauge("catapult_database_up", "1: the figures could be read; 0: they are as they were last");
  const waiting = gauge("catapult_jobs_waiting", "Jobs that may run now and wait", "task");
  const running = gauge("catapult_jobs_running", "Jobs that run", "task");
  const oldest = gauge("catapult_jobs_oldest_seconds", "How long the oldest waiting job waits", "task");
  const failed = gauge("catapult_jobs_failed", "Jobs that failed too often and run no more");
  const deliveries = gauge("catapult_deliveries", "Webhook deliveries by state", "state");
  const oldestDelivery = gauge("catapult_deliveries_oldest_seconds", "How long the oldest unprocessed delivery has been stored");
  const deployments = gauge("catapult_deployments", "Deployments by state", "state");
  const repairs = gauge("catapult_repairs", "What was found wrong and put right, by kind, since the database was made", "kind");
  const refused = gauge("catapult_comments_refused", "Pull requests that GitHub takes no comment on");
  return {
    set(figures: Awaited<ReturnType<typeof readFigures>>) {
      for (const each of [waiting, running, oldest, deliveries, deployments, repairs]) each.reset();
      up.set(1);
      for (const { task, ...queue } of figures.queue) {
        waiting.set({ task }, queue.waiting);
        running.set({ task }, queue.running);
        oldest.set({ task }, queue.oldestSeconds);
      }
      failed.set(figures.failedJobs);
      for (const { state, count } of figures.deliveries) deliveries.set({ state }, count);
      oldestDelivery.set(figures.oldestDeliverySeconds);
      for (const { state, count } of figures.deployments) deployments.set({ state }, count);
      for (const { kind, count } of figures.repairs) repairs.set({ kind }, count);
      refused.set(figures.refusedComments);
    },
    unknown: () => up.set(0),
  };
}
