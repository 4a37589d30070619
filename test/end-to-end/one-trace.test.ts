import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { startOtlpReceiver, type ReceivedSpan } from "#test/common/telemetry/otlp-receiver.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";

let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
let stack: Stack | undefined;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "200" };
  stack = await startStack({ env: { central: env, worker: env } });
}, podmanHookTimeout);
afterAll(async () => {
  await stack?.stop();
  await receiver.stop();
});

/** Whether each span belongs, over those between, to the first. */
function leadsTo(spans: ReceivedSpan[], span: ReceivedSpan, first: ReceivedSpan): boolean {
  for (let at: ReceivedSpan | undefined = span; at !== undefined;) {
    if (at === first) return true;
    const parent: string = at.parentSpanId;
    at = spans.find(({ spanId }) => spanId === parent);
  }
  return false;
}

async function readLines(file: string): Promise<Record<string, unknown>[]> {
  const texts = (await readFile(file, "utf8")).split("\n").filter((text) => text.startsWith("{"));
  return texts.map((text): Record<string, unknown> => JSON.parse(text));
}

test(
  "one trace goes from the webhook through Central and the worker to the report, over what waits in tables between, and the logs of both name it",
  { timeout: 120_000 },
  async () => {
    const { forge, operator } = stack!;
    const repository = { owner: "acme", name: "traced" };
    await forge.createRepository({ ...repository, files: { "index.html": "<h1>traced</h1>" } });
    await forge.installApp(repository);
    const names = { githubOrg: repository.owner, githubRepo: repository.name };
    await operator.createDeploymentConfig({
      deploymentConfig: { ...names, environment: "one", domain: "one.localhost", subdomain: "traced" },
    });
    const succeeded = async () => {
      const { deployments } = await operator.listDeployments(names);
      return deployments.filter(({ state }) => state === DeploymentState.SUCCEEDED);
    };
    await eventually(async () => expect(await succeeded()).toHaveLength(1));
    await forge.pushFiles({ ...repository, branch: "main", files: { "index.html": "<h1>again</h1>" } });
    await eventually(async () => expect(await succeeded()).toHaveLength(2));
    const [deployment] = await succeeded();

    await eventually(() => {
      const dispatch = receiver.spans.find(
        ({ name, attributes }) => name === "dispatch" && attributes["catapult.deployment"] === String(deployment!.id),
      );
      const spans = receiver.spans.filter(({ traceId }) => traceId === dispatch?.traceId);
      const namesOf = (service: string) => new Set(spans.filter((span) => span.service === service).map(({ name }) => name));
      expect([...namesOf("catapult-central")]).toEqual(
        expect.arrayContaining([
          "webhook",
          "intake",
          "dispatch",
          "catapult.v1.WorkerService/Build",
          "catapult.v1.CentralService/ReportStatus",
        ]),
      );
      expect([...namesOf("catapult-worker")]).toEqual(
        expect.arrayContaining([
          "catapult.v1.WorkerService/Build",
          "deployment",
          "clone",
          "detect",
          "publish",
          "route",
          "catapult.v1.CentralService/ReportStatus",
        ]),
      );
      const webhook = spans.find(({ name }) => name === "webhook")!;
      expect(spans.filter((span) => !leadsTo(spans, span, webhook))).toEqual([]);
    });

    // The same ids under the same names in the logs of both.
    const traceId = receiver.spans.find(
      ({ name, attributes }) => name === "dispatch" && attributes["catapult.deployment"] === String(deployment!.id),
    )?.traceId;
    for (const daemon of [stack!.centrals[0]!, stack!.workers[0]!.daemon]) {
      const lines = await readLines(daemon.logFile);
      const ofDeployment = lines.filter((line) => line["deployment"] === String(deployment!.id));
      expect(ofDeployment).not.toEqual([]);
      for (const line of ofDeployment)
        expect(line).toMatchObject({
          trace_id: traceId,
          site: String(deployment!.site),
          generation: String(deployment!.generation),
        });
    }
  },
);
