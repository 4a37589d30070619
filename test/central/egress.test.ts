import { afterAll, beforeAll, expect, test } from "vitest";
import { Code } from "@connectrpc/connect";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, startTestCentral, type TestCentral } from "./support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

async function startBuild(name: string): Promise<BuildRequest> {
  await addRepository(central, name);
  const { sha } = await central.forge.pushFiles({ owner: "acme", name, branch: "main", files: { a: name } });
  return eventually(() => {
    const build = central.worker.builds.findLast((one) => one.commit === sha);
    if (build === undefined) throw new Error(`no build of ${sha}`);
    return build;
  });
}

type Destination = { address: string; port: number; protocol: string; bytes: bigint };

async function report(build: BuildRequest, state: DeploymentState, egress: Destination[]): Promise<void> {
  const succeeded = state === DeploymentState.SUCCEEDED;
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state,
    ...(succeeded ? { url: build.url, release: `${build.generation}-${build.commit.slice(0, 8)}` } : {}),
    ...(state === DeploymentState.FAILED
      ? { failure: { stage: Stage.BUILD, reason: "command_failed", message: "It failed." } }
      : {}),
    egress,
  });
}

async function stored(build: BuildRequest): Promise<Destination[]> {
  const { rows } = await central.pool.query<Destination>(
    `select host(address) as address, port, protocol, bytes from deployment_egress where deployment_id = $1 order by bytes desc`,
    [build.deploymentId],
  );
  return rows;
}

const first = { address: "203.0.113.1", port: 443, protocol: "tcp", bytes: 5000n };
const second = { address: "203.0.113.53", port: 53, protocol: "udp", bytes: 120n };

test.each([
  ["succeeded", DeploymentState.SUCCEEDED],
  ["failed", DeploymentState.FAILED],
])("where the packets of a build that %s went is kept with its end, once, however often it is reported", async (name, state) => {
  const build = await startBuild(`egress-${name}`);
  await report(build, DeploymentState.BUILDING, [first]);
  expect(await stored(build)).toEqual([]);
  await report(build, state, [first, second, first]);
  expect(await stored(build)).toEqual([first, second]);
  await report(build, state, [
    { ...first, bytes: 1n },
    { ...first, port: 80 },
  ]);
  expect(await stored(build)).toEqual([first, second]);
});

test("what a build sent counts also when a newer commit took its place", async () => {
  const build = await startBuild("egress-superseded");
  await central.forge.pushFiles({ owner: "acme", name: "egress-superseded", branch: "main", files: { a: "newer" } });
  await eventually(async () => {
    const { rows } = await central.pool.query("select state from deployment_history where id = $1", [build.deploymentId]);
    expect(rows).toEqual([{ state: "superseded" }]);
  });
  await report(build, DeploymentState.SUPERSEDED, [second]);
  expect(await stored(build)).toEqual([second]);
});

test.each([
  ["an address that is none", { address: "203.0.113.1; drop table", port: 1, protocol: "tcp", bytes: 1n }],
  ["an IPv6 address", { address: "2001:db8::1", port: 1, protocol: "tcp", bytes: 1n }],
  ["another protocol", { address: "203.0.113.1", port: 1, protocol: "sctp", bytes: 1n }],
  ["a port that is none", { address: "203.0.113.1", port: 65_536, protocol: "tcp", bytes: 1n }],
  ["fewer bytes than none", { address: "203.0.113.1", port: 1, protocol: "tcp", bytes: -1n }],
])("a report with %s among its destinations is refused whole", async (name, destination) => {
  const build = await startBuild(`egress-${name.replaceAll(" ", "-").toLowerCase()}`);
  await expect(report(build, DeploymentState.FAILED, [first, destination])).rejects.toMatchObject({ code: Code.InvalidArgument });
  expect(await stored(build)).toEqual([]);
});
