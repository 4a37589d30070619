// `npm run bench:rpc`: what a signature costs, and how fast operators are answered.
import { setTimeout as sleep } from "node:timers/promises";
import { createCatapultClient } from "#client/create-catapult-client.ts";
import { createLogger } from "#common/logger.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { createSigningKey } from "#common/rpc/keys.ts";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { median, percentile } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";
import { startOperatorProcess } from "./start-operator-process.ts";

await measureSignatures();
await measureReads();

/** Rounds of both kinds in turn, so that what else the machine does meets both. */
async function measureSignatures(): Promise<void> {
  const key = createSigningKey("bench");
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes: (router) => {
      router.service(WorkerService, { cleanup: () => ({ outcome: Outcome.ALREADY_DONE }) });
      router.service(OperatorService, { cancel: () => ({}) });
    },
    signatures: {
      header: centralSignatureHeader,
      recipient: "bench",
      findKey: (kid) => Promise.resolve(kid === key.kid ? { key: key.key, caller: "central" } : undefined),
      nonces: createMemoryNonceStore(),
    },
    tokens: () => Promise.resolve({ name: "bench", scope: "write" as const }),
    log: createLogger({ name: "bench", level: "error" }),
  });
  const signing = createSigningInterceptor({ header: centralSignatureHeader, recipient: "bench", key: () => key });
  const signed = createServiceClient(WorkerService, { url: server.url, interceptors: [signing] });
  const unsigned = createServiceClient(OperatorService, { url: server.url, interceptors: [createBearerInterceptor("bench")] });
  const request = { siteId: 7n, generation: 3n, host: "www.example.org" };
  const rates: { signed: number; unsigned: number }[] = [];
  for (let round = 0; round < 9; round += 1) {
    const one = await rate(async () => unsigned.cancel({ id: 7n }));
    const other = await rate(async () => signed.cleanup(request));
    // The first round warms up.
    if (round > 0) rates.push({ signed: other, unsigned: one });
  }
  printFigure("unsigned calls a second, client and server in one process", median(rates.map((each) => each.unsigned)).toFixed(0));
  printFigure("signed calls a second", median(rates.map((each) => each.signed)).toFixed(0));
  printFigure("signed to unsigned", median(rates.map((each) => each.signed / each.unsigned)).toFixed(2), "at least 0.8");
  signed.close();
  unsigned.close();
  await server.stop(0);
}

/** Calls a second with 16 at a time, over one second. */
async function rate(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let done = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - began < 1_000) {
      await call();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return (done * 1_000) / (performance.now() - began);
}

/** 500 reads a second for 10 s, sent by the clock whether or not those before were answered. */
async function measureReads(): Promise<void> {
  const server = await startOperatorProcess();
  const client = createCatapultClient({ url: server.url, token: server.token, retries: 0 });
  const reads = [
    async () => client.getDeployment({ id: server.deployment }),
    async () => client.listDeployments({ pageSize: 20 }),
    async () => client.listSites({ pageSize: 20 }),
    async () => client.listEnvironments({}),
  ];
  for (let warm = 0; warm < 500; warm += 1) await reads[warm % reads.length]!();
  const took: number[] = [];
  const running: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < 5_000; sent += 1) {
    const due = began + sent * 2;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    running.push(reads[sent % reads.length]!().then(() => void took.push(performance.now() - due)));
  }
  await Promise.all(running);
  printFigure("500 operator reads a second on one core, median", milliseconds(median(took)));
  printFigure("500 operator reads a second on one core, 99th percentile", milliseconds(percentile(took, 0.99)), "under 25 ms");
  client.close();
  await server.stop();
}
