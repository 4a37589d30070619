import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { create, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServiceClient } from "#common/rpc/client.ts";
import { digestMessage } from "#common/rpc/digest-message.ts";
import { parseWorkerKeyFile, type SigningKey, type WorkerKeyFile } from "#common/rpc/keys.ts";
import { signCall } from "#common/rpc/sign.ts";
import { centralSignatureHeader, createSigningInterceptor, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService, ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, SiteKind, SiteType, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { faultsOn } from "./support/fault.ts";
import { deploymentsOf, expectLive, repository } from "./support/sites.ts";

const host = "www.one.localhost";
const minute = 60_000;
const clock = new URL("support/shift-clock.ts", import.meta.url).href;
let stack: Stack;
const fault = faultsOn(() => stack);

/** Two Centrals, and a second worker, whom nothing of this is meant for. */
beforeAll(async () => {
  stack = await startStack({ centrals: 2, environments: ["one", "two"], env: { central: { RECONCILE_INTERVAL: "2s" } } });
  const { sha } = await stack.forge.createRepository({ ...repository, files: { "index.html": "first", seconds: "0" } });
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
  await expectLive(stack, host, sha);
}, podmanHookTimeout);
afterAll(() => stack?.stop());

async function push(text: string, seconds = 0): Promise<string> {
  const files = { "index.html": text, seconds: String(seconds) };
  return (await stack.forge.pushFiles({ ...repository, branch: "main", files })).sha;
}

const running = async () =>
  eventually(async () => {
    const { deployments } = await stack.operator.listDeployments({ pageSize: 1 });
    expect(deployments[0]?.state).toBe(DeploymentState.BUILDING);
  }, 60_000);

const readKeys = async (): Promise<WorkerKeyFile> => parseWorkerKeyFile(await readFile(stack.workers[0]!.keyFile, "utf8"));

/** One call, signed once: what can be sent again as it is. */
type Signed = { path: string; header: string; signature: string; body: string };

async function signReport(now = new Date()): Promise<Signed> {
  // Of no deployment that there is: who may say nothing at all is refused before that is known.
  const ids = { siteId: 999_999n, generation: 1n, deploymentId: 999_999n };
  const message = create(ReportStatusRequestSchema, { ...ids, state: DeploymentState.BUILDING });
  const digest = digestMessage(ReportStatusRequestSchema, message);
  const path = "/catapult.v1.CentralService/ReportStatus";
  const { sign } = await readKeys();
  return {
    path,
    header: workerSignatureHeader,
    signature: signCall({ method: path, recipient: "central", digest, key: sign, now }),
    body: toJsonString(ReportStatusRequestSchema, message),
  };
}

/** Central's order to build what is live once more, which its worker answers without doing anything. */
async function signBuild(): Promise<Signed> {
  const { rows } = await stack.pool.query<{ siteId: bigint; generation: bigint; deploymentId: bigint; commit: string }>(
    `select s.id as "siteId", d.generation, d.id as "deploymentId", d.commit_sha as commit
     from sites s join deployment_history d on d.id = s.live_deployment and d.generation = s.generation where s.host = $1`,
    [host],
  );
  expect(rows).toHaveLength(1);
  const worker = stack.workers[0]!;
  const message = create(BuildRequestSchema, {
    ...rows[0]!,
    host,
    kind: SiteKind.PRODUCTION,
    url: `http://${host}:${worker.sitesPort}`,
    repositoryId: 1n,
    repository: "acme/site",
    branch: "main",
    cloneToken: "none",
    trust: Trust.REPOSITORY,
  });
  const path = "/catapult.v1.WorkerService/Build";
  const key = (await readKeys()).verify[0]!;
  const digest = digestMessage(BuildRequestSchema, message);
  return {
    path,
    header: centralSignatureHeader,
    signature: signCall({ method: path, recipient: worker.id, digest, key, now: new Date() }),
    body: toJsonString(BuildRequestSchema, message),
  };
}

async function send(url: string, { path, header, signature, body }: Signed): Promise<{ status: number; text: string }> {
  return new Promise((settle, refuse) => {
    const headers = { "content-type": "application/json", [header]: signature };
    const sent = request(`${url}${path}`, { method: "POST", ca: stack.ca, agent: false, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => settle({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", refuse);
    sent.end(body);
  });
}

/** Heard, and of nothing that there is; or refused at the door, without a word why to a stranger. */
const heard = { status: 404 };
const refused = { status: 401 };

/** Why callers were refused, from what the daemon logged; only it says so. */
async function refusalsOf(daemon: { log(): Promise<string> }): Promise<string[]> {
  return [...(await daemon.log()).matchAll(/"reason":"(signature_\w+)"[^\n]*"refused a caller"/g)].map((match) => match[1] ?? "");
}

/** How far off each Central's clock is. */
const clocks = [0, 0];

/** Starts each anew whose clock is another one. */
async function setClocks(...offMs: readonly [number, number]): Promise<void> {
  const set = async (index: 0 | 1): Promise<void> => {
    const off = offMs[index];
    if (clocks[index] === off) return;
    const env = off === 0 ? {} : { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(off) };
    clocks[index] = off;
    await stack.centrals[index]!.restart({ env });
  };
  await Promise.all([set(0), set(1)]);
}
const rightClocks = { heal: async () => setClocks(0, 0) };

fault(
  "fault 37: a worker whose clock is 4 minutes off is heard, one that is 6 minutes off is refused, and the log says why",
  async () => {
    for (const off of [-4, 4])
      expect(await send(stack.centralUrl, await signReport(new Date(Date.now() + off * minute)))).toMatchObject(heard);
    const before = await refusalsOf(stack.central);
    for (const off of [-6, 6])
      expect(await send(stack.centralUrl, await signReport(new Date(Date.now() + off * minute)))).toMatchObject(refused);
    await eventually(async () =>
      expect((await refusalsOf(stack.central)).slice(before.length)).toEqual(["signature_stale", "signature_stale"]),
    );
  },
);

fault(
  "fault 37: Centrals whose clocks are 4 minutes off deploy, and their leases run by the database's clock",
  async () => {
    for (const off of [-4, 4]) {
      await setClocks(off * minute, off * minute);
      const sha = await push(`built ${off} minutes off`, 1);
      const seconds = await eventually(async () => {
        const { rows } = await stack.pool.query<{ seconds: number }>(
          `select extract(epoch from lease_expires_at - now())::float8 as seconds from deployment_history
           where commit_sha = $1 and lease_expires_at is not null`,
          [sha],
        );
        expect(rows).toHaveLength(1);
        return rows[0]!.seconds;
      });
      // What is left of 30 s, whatever the machine was busy with.
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(30);
      await expectLive(stack, host, sha);
      expect((await deploymentsOf(stack, host)).at(-1)).toEqual({ commit: sha, state: "succeeded" });
    }
  },
  // Clocks that are off are no reason for any invariant not to hold: the next fault sets them.
);

fault(
  "fault 37: Centrals whose clocks are 6 minutes off are refused by the worker, which says why, and deploy once they are right",
  async () => {
    const { daemon } = stack.workers[0]!;
    const before = await refusalsOf(daemon);
    await setClocks(6 * minute, 6 * minute);
    const sha = await push("pushed while the clocks were wrong");
    await eventually(async () => expect((await refusalsOf(daemon)).slice(before.length)).toContain("signature_stale"));
    // Handed over and refused, again and again.
    const waiting = { commit: sha, state: expect.stringMatching(/^(queued|dispatched)$/) };
    expect((await deploymentsOf(stack, host)).at(-1)).toEqual(waiting);
    await setClocks(0, 0);
    await expectLive(stack, host, sha);
  },
  rightClocks,
);

fault(
  "fault 38: a report that is sent again has no effect: at once, at another replica, after a restart, after 6 minutes",
  async () => {
    const [first, second] = stack.centralUrls;
    const report = await signReport();
    expect(await send(first!, report)).toMatchObject(heard);
    const before = [await refusalsOf(stack.central), await refusalsOf(stack.centrals[1]!)];
    expect(await send(first!, report)).toMatchObject(refused);
    expect(await send(second!, report)).toMatchObject(refused);
    await stack.central.restart();
    expect(await send(first!, report)).toMatchObject(refused);
    await setClocks(6 * minute, 0);
    expect(await send(first!, report)).toMatchObject(refused);
    await eventually(async () => {
      const after = [await refusalsOf(stack.central), await refusalsOf(stack.centrals[1]!)];
      expect(after.map((all, index) => all.slice(before[index]?.length))).toEqual([
        ["signature_replayed", "signature_replayed", "signature_stale"],
        ["signature_replayed"],
      ]);
    });
  },
  rightClocks,
);

fault("fault 38: a Build that is sent again has no effect: at its worker, at another one, after a restart", async () => {
  const [own, other] = stack.workers;
  // What was just made live is at its last report for a moment.
  const build = await eventually(async () => {
    const signed = await signBuild();
    expect((await send(own!.url, signed)).text).toContain("OUTCOME_ALREADY_DONE");
    return signed;
  });
  const deployments = await deploymentsOf(stack, host);
  expect(await send(own!.url, build)).toMatchObject(refused);
  expect(await send(other!.url, build)).toMatchObject(refused);
  await own!.daemon.restart();
  expect(await send(own!.url, build)).toMatchObject(refused);
  expect((await refusalsOf(own!.daemon)).slice(-2)).toEqual(["signature_replayed", "signature_replayed"]);
  expect(await deploymentsOf(stack, host)).toEqual(deployments);
});

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

fault(
  "fault 45: a worker's key is rotated while it builds: its reports count under the old key, after a restart under the new one, and the old one ends",
  async () => {
    const worker = stack.workers[0]!;
    const old = await readKeys();
    const underOld = await push("under the old key", 2);
    await running();
    const { keyFile } = await stack.operator.rotateWorkerKey({ id: worker.id });
    await writeFile(worker.keyFile, keyFile, { mode: 0o600 });
    const next = parseWorkerKeyFile(keyFile);
    expect(next.sign.kid).not.toBe(old.sign.kid);
    await expectLive(stack, host, underOld);

    // What it builds is finished under the old key before it stops.
    const inFlight = await push("in flight", 2);
    await running();
    await worker.daemon.restart();
    await expectLive(stack, host, inFlight);
    await expectLive(stack, host, await push("under the new key"));
    expect(await isHeard(next.sign)).toBe(true);
    expect(await isHeard(old.sign)).toBe(true);

    // The ten minutes in which what was signed before may still be on its way.
    await stack.pool.query("update worker_keys set used_at = used_at - interval '11 minutes' where kid = $1", [next.sign.kid]);
    expect(await isHeard(old.sign)).toBe(false);
    expect(await isHeard(next.sign)).toBe(true);
    await expectLive(stack, host, await push("after the old key"));
  },
);

test("operators are shown what runs on a worker", async () => {
  await eventually(async () => {
    const { worker } = await stack.operator.getWorker({ id: stack.workers[0]!.id });
    const [catapult, node, podman] = worker?.versions ?? [];
    expect(catapult).toMatch(/^catapult \d+\.\d+\.\d+$/);
    expect(node).toBe(`node ${process.versions.node}`);
    expect(podman).toMatch(/^podman \d+\.\d+/);
  }, 100_000);
}, 120_000);
