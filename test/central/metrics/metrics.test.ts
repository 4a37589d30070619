import { createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { addRepository, startTestCentral, type TestCentral, webhookSecret } from "../support/start-test-central.ts";

let central: TestCentral;
let metricsUrl: string;

beforeAll(async () => {
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  central = await startTestCentral({ config: { metricsListen: { host: "127.0.0.1", port } } });
});
afterAll(async () => central.stop());

async function metrics(): Promise<string> {
  return (await fetch(metricsUrl)).text();
}

async function post(signature: string | undefined): Promise<number> {
  const body = "{}";
  const headers = {
    "content-type": "application/json",
    "x-github-event": "ping",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": signature ?? `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`,
  };
  return (await fetch(`${central.url}/webhook/github`, { method: "POST", headers, body })).status;
}

test("webhooks are counted by outcome, RPCs by method and code, deployments and their stages when they end", async () => {
  const { worker, url } = central;
  await addRepository(central, "counted");
  const build = await eventually(() => {
    const [first] = worker.builds;
    if (first === undefined) throw new Error("not built yet");
    return first;
  });
  const report = {
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.SUCCEEDED,
    url: build.url,
    release: `1-${build.commit.slice(0, 8)}`,
    stageTimings: [{ stage: Stage.CLONE, durationMs: 120n }],
  };
  await worker.client.reportStatus(report);
  await worker.client.reportStatus(report);
  await expect(worker.client.reportStatus({ ...report, deploymentId: 999n })).rejects.toThrow("not this worker's");
  await fetch(`${url}/catapult.v1.CentralService/ReportStatus`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(await post(undefined)).toBe(202);
  expect(await post("sha256=00")).toBe(401);

  const text = await metrics();
  const reportStatus = 'method="/catapult.v1.CentralService/ReportStatus"';
  // Deliveries that the forge is asked for again count too.
  expect(text).toMatch(/catapult_webhooks_total{outcome="stored"} [1-9]/);
  expect(text).toContain('catapult_webhooks_total{outcome="unauthenticated"} 1');
  expect(text).toContain(`catapult_rpcs_total{${reportStatus},code="ok"} 2`);
  expect(text).toContain(`catapult_rpcs_total{${reportStatus},code="not_found"} 1`);
  expect(text).toContain(`catapult_rpcs_total{${reportStatus},code="unauthenticated"} 1`);
  expect(text).toContain('catapult_deployments_ended_total{state="succeeded"} 1');
  expect(text).toContain('catapult_stage_duration_seconds_bucket{le="0.25",stage="clone"} 1');
  expect(text).toContain('catapult_stage_duration_seconds_count{stage="clone"} 1');
  expect(text).toContain('catapult_deployments{state="succeeded"} 1');
  expect(text).toContain("catapult_database_up 1");
  expect(text).toMatch(/catapult_deliveries{state="\w+"} [1-9]/);
});
