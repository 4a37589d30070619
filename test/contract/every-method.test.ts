import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { eventually } from "#test/support/eventually.ts";
import { bufCurl, protocols, type Protocol } from "./buf-curl.ts";
import { operatorCalls } from "./operator-calls.ts";
import { findBuild, prepareRound, reportSuccess } from "./prepare-round.ts";
import { startSecureCentral, type SecureCentral } from "./start-secure-central.ts";

let server: SecureCentral;
beforeAll(async () => {
  server = await startSecureCentral();
});
afterAll(async () => server?.stop());

// Some 40 processes each: a few seconds, unless the machine has other work.
const timeout = 180_000;

/** buf exits with the code of the RPC times eight, and says it in words. */
const answered = /"code":\s*"([a-z_]+)"/;

async function callAll(url: string, name: string, protocol: Protocol): Promise<string[]> {
  const round = await prepareRound(server, name);
  const wrong: string[] = [];
  for (const { method, data, also = [], keep } of operatorCalls) {
    const options = { ca: server.caFile, token: server.token, protocol, data: data(round) };
    const { code, out, err } = await bufCurl(`${url}/catapult.v1.OperatorService/${method}`, options);
    const said = answered.exec(err)?.[1] ?? "";
    if (code !== 0 && !also.includes(said)) wrong.push(`${method} by ${options.protocol}: ${err}${out}`);
    // A stream's messages stand one behind the other.
    if (code === 0 && method !== "WatchDeployment") keep?.(JSON.parse(out), round);
    if (code === 0 && method === "WatchDeployment" && !out.includes("DEPLOYMENT_STATE_CANCELED")) wrong.push(`${method}: ${out}`);
  }
  return wrong;
}

test("every method of OperatorService is among those that are called", () => {
  expect(operatorCalls.map(({ method }) => method).toSorted()).toEqual(
    OperatorService.methods.map(({ name }) => name).toSorted(),
  );
});

test.each(protocols)("buf curl calls every method over TLS by %s, with nothing but reflection", { timeout }, async (protocol) => {
  expect(await callAll(server.url, `direct-${protocol}`, protocol)).toEqual([]);
});

test.each(protocols)("buf curl calls every method through Caddy by %s", { timeout }, async (protocol) => {
  expect(await callAll(server.proxyUrl, `proxied-${protocol}`, protocol)).toEqual([]);
});

test.each(protocols)(
  "buf curl gets through Caddy by %s each line of a log as it comes, until the deployment ends",
  async (protocol) => {
    const { central } = server;
    const name = `live-${protocol}`;
    await addRepository(central, name);
    const build = await findBuild(central.worker.builds, `${name}.one.test`, 0n);
    const { siteId, generation, deploymentId } = build;
    const say = async (line: bigint, text: string) =>
      central.worker.client.reportStatus({
        siteId,
        generation,
        deploymentId,
        state: DeploymentState.BUILDING,
        firstLogLine: line,
        logLines: [text],
      });
    await say(1n, "before the watch");
    let out = "";
    const watch = bufCurl(`${server.proxyUrl}/catapult.v1.OperatorService/WatchDeployment`, {
      ca: server.caFile,
      token: server.token,
      protocol,
      data: { id: String(deploymentId) },
      onOutput: (text) => (out += text),
    });
    const seen = async (text: string) => eventually(() => expect(out).toContain(text), 20_000);
    await seen("before the watch");
    for (const line of [2n, 3n, 4n]) {
      // Said only once the one before has arrived: none was held back until the stream's end.
      await say(line, `while it watches, ${line}`);
      await seen(`while it watches, ${line}`);
    }
    await reportSuccess(central.worker.client, build);
    const { code, err } = await watch;
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("DEPLOYMENT_STATE_SUCCEEDED");
    expect(out.match(/while it watches, \d/g)).toHaveLength(3);
  },
);
