import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary, type DescMethod, type MessageInitShape, type DescMessage } from "@bufbuild/protobuf";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { median, percentile } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";
import { startOperatorProcess } from "./start-operator-process.ts";
import { leaveFirstCore } from "./start-process.ts";

const perSecond = 500;
const reads = 10_000;
/** A daemon runs for weeks, and V8 goes on compiling what it runs for the first thousands of calls. */
const warmUp = 10_000;
const sockets = 64;
const bursts = 20;

/**
 * Reads sent by the clock, evenly, whether or not those before were answered: one that waits for its turn has waited since it was due. Central has
 * a core to itself, the rest has the others. The requests are made beforehand, as a client that shares the time with Central measures itself.
 */
export async function measureReads(): Promise<void> {
  await leaveFirstCore();
  const server = await startOperatorProcess();
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const { getDeployment, listDeployments, listSites, listEnvironments } = OperatorService.method;
  const calls = [
    prepare(getDeployment, { id: server.deployment }),
    prepare(listDeployments, { pageSize: 20 }),
    prepare(listSites, { pageSize: 20 }),
    prepare(listEnvironments, {}),
  ];
  const read = async (number: number) => {
    const { path, body } = calls[number % calls.length]!;
    await send({ agent, url: `${server.url}${path}`, token: server.token, body });
  };
  for (let sent = 0; sent < warmUp; sent += 8)
    await Promise.all(Array.from({ length: 8 }, async (_, index) => read(sent + index)));
  // What came at once some minutes ago: the pool has its connections, which it keeps for ten, and each of them its plans.
  for (let burst = 0; burst < bursts; burst += 1)
    await Promise.all(Array.from({ length: sockets }, async (_, index) => read(burst + index)));
  const took: number[] = [];
  const late: number[] = [];
  const running: Promise<void>[] = [];
  const cpuBefore = await server.cpuMs();
  const own = process.cpuUsage();
  const began = performance.now();
  for (let sent = 0; sent < reads; sent += 1) {
    const due = began + (sent * 1_000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    late.push(performance.now() - due);
    running.push(read(sent).then(() => void took.push(performance.now() - due)));
  }
  await Promise.all(running);
  const cpu = (await server.cpuMs()) - cpuBefore;
  const { user, system } = process.cpuUsage(own);
  printFigure(`${perSecond} operator reads a second on one core, median`, milliseconds(median(took)));
  printFigure(
    `${perSecond} operator reads a second on one core, 99th percentile`,
    milliseconds(percentile(took, 0.99)),
    "under 25 ms",
  );
  printFigure("of that, how late the bench itself was, 99th percentile", milliseconds(percentile(late, 0.99)));
  printFigure(
    "CPU for a read: Central, and the one who asks",
    `${(cpu / reads).toFixed(2)} and ${((user + system) / 1_000 / reads).toFixed(2)} ms`,
  );
  agent.destroy();
  await server.stop();
}

function prepare<I extends DescMessage>(method: DescMethod & { input: I }, message: MessageInitShape<I>) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    body: toBinary(method.input, create(method.input, message)),
  };
}

async function send(o: { agent: Agent; url: string; token: string; body: Uint8Array }): Promise<void> {
  const headers = { authorization: `Bearer ${o.token}`, "content-type": "application/proto", "content-length": o.body.length };
  const call = request(o.url, { method: "POST", agent: o.agent, headers });
  const answered = new Promise<void>((resolve, reject) => {
    call.once("error", reject);
    call.once("response", (response) => {
      if (response.statusCode !== 200) reject(new Error(`a read was answered with ${response.statusCode}`));
      response.resume().once("end", resolve).once("error", reject);
    });
  });
  call.end(o.body);
  await answered;
}
