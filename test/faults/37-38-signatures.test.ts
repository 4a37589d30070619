import { create, toJsonString } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { digestMessage } from "#common/rpc/digest-message.ts";
import { signCall } from "#common/rpc/sign.ts";
import { centralSignatureHeader, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { type BuildRequest, BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { type FakeWorker, startFakeWorker } from "#test/central/support/start-fake-worker.ts";
import {
  addRepository,
  selectDeployments,
  startTestCentral,
  type TestCentral,
} from "#test/central/support/start-test-central.ts";
import { createLogCollector } from "#test/common/rpc/log-collector.ts";
import { eventually } from "#test/support/eventually.ts";

const minute = 60_000;
const reportPath = "/catapult.v1.CentralService/ReportStatus";
const buildPath = "/catapult.v1.WorkerService/Build";
const collector = createLogCollector();

let central: TestCentral;
let other: FakeWorker;
let build: BuildRequest;

beforeAll(async () => {
  central = await startTestCentral({ replicas: 2, log: collector.log });
  const { pool, secretKey, url } = central;
  other = await startFakeWorker({ pool, secretKey, centralUrl: url, id: "worker-other", enabled: false });
  await addRepository(central, "signed");
  build = await eventually(() => {
    const [found] = central.worker.builds;
    if (found === undefined) throw new Error("no build yet");
    return found;
  });
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await other.stop();
  await central.stop();
});

/** One report, signed once: what can be sent again as it is. */
function signReport(state: DeploymentState, now = new Date()): { header: string; body: string } {
  const { siteId, generation, deploymentId } = build;
  const message = create(ReportStatusRequestSchema, { siteId, generation, deploymentId, state });
  const digest = digestMessage(ReportStatusRequestSchema, message);
  const { key } = central.worker;
  return {
    header: signCall({ method: reportPath, recipient: "central", digest, key, now }),
    body: toJsonString(ReportStatusRequestSchema, message),
  };
}

async function post(url: string, header: string, value: string, body: string): Promise<number> {
  const headers = { "content-type": "application/json", [header]: value };
  return (await fetch(url, { method: "POST", headers, body })).status;
}

const send = async (url: string, { header, body }: { header: string; body: string }) =>
  post(url + reportPath, workerSignatureHeader, header, body);

const refusals = () => collector.lines().flatMap((line) => (line["msg"] === "refused a caller" ? [line["reason"]] : []));

test("fault 37: a worker whose clock is 4 minutes off is heard, one that is 6 minutes off is refused, and the log says why", async () => {
  for (const off of [-4, 4]) {
    const report = signReport(DeploymentState.BUILDING, new Date(Date.now() + off * minute));
    expect(await send(central.url, report), `${off} minutes`).toBe(200);
  }
  const before = refusals().length;
  for (const off of [-6, 6]) {
    const report = signReport(DeploymentState.BUILDING, new Date(Date.now() + off * minute));
    expect(await send(central.url, report), `${off} minutes`).toBe(401);
  }
  expect(refusals().slice(before)).toEqual(["signature_stale", "signature_stale"]);
});

test.each([-6, 6])("fault 37: leases run by the database's clock, also where Central's is %s minutes off", async (off) => {
  const name = `clock-${off < 0 ? "behind" : "ahead"}`;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + off * minute });
  await addRepository(central, name);
  await eventually(async () =>
    expect((await selectDeployments(central.pool, `${name}.one.test`)).at(0)?.state).toBe("dispatched"),
  );
  const { rows } = await central.pool.query<{ seconds: number }>(
    `select extract(epoch from lease_expires_at - now())::float8 as seconds from deployment_history d
     join sites s on s.id = d.site_id where s.host = $1`,
    [`${name}.one.test`],
  );
  // What is left of 30 s, whatever the machine was busy with.
  expect(rows[0]?.seconds).toBeGreaterThan(0);
  expect(rows[0]?.seconds).toBeLessThanOrEqual(30);
});

test("fault 38: a report that is sent again has no effect: at once, at another replica, after a restart, after 6 minutes", async () => {
  const report = signReport(DeploymentState.PUBLISHING);
  expect(await send(central.url, report)).toBe(200);
  const before = refusals().length;
  expect(await send(central.url, report)).toBe(401);
  expect(await send(central.replicas[1]?.url ?? "", report)).toBe(401);
  const restarted = await central.start();
  expect(await send(restarted.url, report)).toBe(401);
  await restarted.stop();
  expect(refusals().slice(before)).toEqual(Array(3).fill("signature_replayed"));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6 * minute });
  expect(await send(central.url, report)).toBe(401);
  expect(refusals().at(-1)).toBe("signature_stale");
});

test("fault 38: a Build that is sent again has no effect, at its worker or at another one", async () => {
  const signature = central.worker.buildSignatures[central.worker.builds.indexOf(build)] ?? "";
  expect(signature).toMatch(/^v1;/);
  const body = toJsonString(BuildRequestSchema, build);
  const count = central.worker.builds.length;
  expect(await post(central.worker.url + buildPath, centralSignatureHeader, signature, body)).toBe(401);
  expect(await post(other.url + buildPath, centralSignatureHeader, signature, body)).toBe(401);
  expect(central.worker.builds).toHaveLength(count);
  expect(other.builds).toHaveLength(0);
});
