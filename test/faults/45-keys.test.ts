import { readFile, writeFile } from "node:fs/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServiceClient } from "#common/rpc/client.ts";
import { parseWorkerKeyFile, type SigningKey } from "#common/rpc/keys.ts";
import { createSigningInterceptor, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { expectLive, repository } from "./support/sites.ts";

const host = "www.one.localhost";
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
  await stack.forge.createRepository({ ...repository, files: { "index.html": "first", seconds: "0" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: repository.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "www",
      siteType: SiteType.CUSTOM,
      buildCommand: 'mkdir out && cp index.html out && sleep "$(cat seconds)"',
      outputDir: "out",
    },
  });
  await expectServed("first");
}, podmanHookTimeout);
afterAll(() => stack?.stop());

async function expectServed(text: string): Promise<void> {
  await eventually(async () => expect((await visit(stack.workers[0]!.sitesPort, host)).body).toBe(text), 120_000);
}

async function push(text: string, seconds: number): Promise<string> {
  const files = { "index.html": text, seconds: String(seconds) };
  return (await stack.forge.pushFiles({ ...repository, branch: "main", files })).sha;
}

/** Whether Central lets a report in that is signed with this key; the report is of no deployment that there is. */
async function isHeard(key: SigningKey): Promise<boolean> {
  const signing = createSigningInterceptor({ header: workerSignatureHeader, recipient: "central", key: () => key });
  const client = createServiceClient(CentralService, {
    url: stack.centralUrl,
    ca: stack.ca,
    interceptors: [signing],
    retries: 0,
  });
  try {
    await client.reportStatus({
      siteId: 999_999n,
      generation: 1n,
      deploymentId: 999_999n,
      state: DeploymentState.BUILDING,
    });
    return true;
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code !== Code.Unauthenticated && code !== Code.NotFound) throw error;
    return code !== Code.Unauthenticated;
  } finally {
    client.close();
  }
}

const running = async () =>
  eventually(async () => {
    const { deployments } = await stack.operator.listDeployments({ pageSize: 1 });
    expect(deployments[0]?.state).toBe(DeploymentState.BUILDING);
  }, 60_000);

test("fault 45: a worker's key is rotated while it builds: its reports count under the old key, after a restart under the new one, and the old one ends", async () => {
  const worker = stack.workers[0]!;
  const old = parseWorkerKeyFile(await readFile(worker.keyFile, "utf8"));
  const underOld = await push("under the old key", 5);
  await running();
  const { keyFile } = await stack.operator.rotateWorkerKey({ id: worker.id });
  await writeFile(worker.keyFile, keyFile, { mode: 0o600 });
  const next = parseWorkerKeyFile(keyFile);
  expect(next.sign.kid).not.toBe(old.sign.kid);
  await expectServed("under the old key");
  await expectLive(stack, host, underOld);

  // What it builds is finished under the old key before it stops.
  const inFlight = await push("in flight", 3);
  await running();
  await worker.daemon.restart();
  await expectLive(stack, host, inFlight);
  const underNew = await push("under the new key", 0);
  await expectServed("under the new key");
  await expectLive(stack, host, underNew);
  expect(await isHeard(next.sign)).toBe(true);
  expect(await isHeard(old.sign)).toBe(true);

  // The ten minutes in which what was signed before may still be on its way.
  await stack.pool.query("update worker_keys set used_at = used_at - interval '11 minutes' where kid = $1", [next.sign.kid]);
  expect(await isHeard(old.sign)).toBe(false);
  expect(await isHeard(next.sign)).toBe(true);
  const after = await push("after the old key", 0);
  await expectServed("after the old key");
  await expectLive(stack, host, after);
}, 240_000);

test("operators are shown what runs on a worker", async () => {
  await eventually(async () => {
    const { worker } = await stack.operator.getWorker({ id: stack.workers[0]!.id });
    const [catapult, node, podman] = worker?.versions ?? [];
    expect(catapult).toMatch(/^catapult \d+\.\d+\.\d+$/);
    expect(node).toBe(`node ${process.versions.node}`);
    expect(podman).toMatch(/^podman \d+\.\d+/);
  }, 100_000);
}, 120_000);
