import { Agent } from "node:http";
import { join } from "node:path";
import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createSigningKey } from "#common/rpc/keys.ts";
import { createSigningInterceptor, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { median } from "./percentile.ts";
import { printFigure } from "./print-figure.ts";
import { leaveFirstCore, startProcess } from "./start-process.ts";
import { unsignedReportStatus } from "./unsigned-central-service.ts";

const rounds = 80;
const warmUp = 12;
const roundMs = 100;

const report = {
  siteId: 7n,
  generation: 3n,
  deploymentId: 11n,
  state: DeploymentState.BUILDING,
  firstLogLine: 1n,
  logLines: Array.from({ length: 10 }, (_, index) => `rendering chunks (${index}) ...`),
};

/** One method, with a signature and with a token: short rounds of both in turn, so that what else the machine does meets both. */
export async function measureSignatures(): Promise<void> {
  await leaveFirstCore();
  const key = createSigningKey("bench");
  const script = join(import.meta.dirname, "signature-process.ts");
  const server = await startProcess(script, { BENCH_KEY: key.key.toString("base64url") });
  const agent = new Agent({ keepAlive: true });
  const connect = (interceptor: Interceptor) =>
    createConnectTransport({
      httpVersion: "1.1",
      baseUrl: server.text("url"),
      nodeOptions: { agent },
      interceptors: [interceptor],
    });
  const signing = connect(createSigningInterceptor({ header: workerSignatureHeader, recipient: "central", key: () => key }));
  const bearing = connect(createBearerInterceptor("bench"));
  const signed = async () => signing.unary(CentralService.method.reportStatus, undefined, undefined, undefined, report);
  const unsigned = async () => bearing.unary(unsignedReportStatus, undefined, undefined, undefined, report);
  const figures: { signed: Round; unsigned: Round }[] = [];
  for (let round = 0; round < rounds + warmUp; round += 1) {
    // Each goes first as often as the other.
    const first = round % 2 === 0 ? await run(unsigned, server) : await run(signed, server);
    const second = round % 2 === 0 ? await run(signed, server) : await run(unsigned, server);
    if (round >= warmUp)
      figures.push(round % 2 === 0 ? { unsigned: first, signed: second } : { unsigned: second, signed: first });
  }
  const rate = (kind: "signed" | "unsigned") => median(figures.map((each) => each[kind].perSecond)).toFixed(0);
  const calls = (kind: "signed" | "unsigned") => figures.reduce((sum, each) => sum + each[kind].calls, 0);
  const cost = (kind: "signed" | "unsigned") => figures.reduce((sum, each) => sum + each[kind].cpuMs, 0) / calls(kind);
  printFigure("ReportStatus with a token, calls a second on one core", rate("unsigned"));
  printFigure("ReportStatus with a signature, calls a second", rate("signed"));
  const ratio = median(figures.map((each) => each.signed.perSecond / each.unsigned.perSecond));
  printFigure("signed to unsigned", ratio.toFixed(2), "at least 0.8");
  printFigure(
    "the server's CPU for a call, token and signature",
    `${cost("unsigned").toFixed(2)} and ${cost("signed").toFixed(2)} ms`,
  );
  agent.destroy();
  await server.stop();
}

type Round = { calls: number; perSecond: number; cpuMs: number };

/** As many calls as are answered with 16 at a time. */
async function run(call: () => Promise<unknown>, server: { cpuMs(): Promise<number> }): Promise<Round> {
  const cpuBefore = await server.cpuMs();
  const began = performance.now();
  let calls = 0;
  const work = async (): Promise<void> => {
    while (performance.now() - began < roundMs) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  const perSecond = (calls * 1_000) / (performance.now() - began);
  return { calls, perSecond, cpuMs: (await server.cpuMs()) - cpuBefore };
}
