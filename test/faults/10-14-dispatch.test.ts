import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import type { Daemon } from "#test/support/daemon.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { faultsOn } from "./support/fault.ts";
import { addSite, deploymentsOf, expectLive, hostOf, push, pushBranch, repository } from "./support/sites.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    centrals: 2,
    links: true,
    webhookTimeoutMs: 3_000,
    env: { central: { RECONCILE_INTERVAL: "2s" } },
  });
  await addSite(stack);
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const fault = faultsOn(() => stack);

/** The Central that runs alone, with the failpoint armed, and the one that has ended. */
async function aloneWith(failpoint: string): Promise<{ alone: Daemon; other: Daemon }> {
  const [alone, ...others] = stack.centrals.toSorted((a, b) => Number(b.isRunning()) - Number(a.isRunning()));
  const [other] = others;
  if (alone === undefined || other === undefined) throw new Error("the stack has two Centrals");
  if (other.isRunning()) await other.stop();
  alone.arm(failpoint);
  return { alone, other };
}
const worker = () => stack.workers[0]!;
const toWorker = () => stack.links.get("central-worker");
const toCentral = () => stack.links.get("worker-central");
const served = async (host: string) => visit(worker().sitesPort, host);

/** How often the worker did the work of a site's generation, from its log. */
async function runsOf(host: string): Promise<string[]> {
  const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
  const lines = (await worker().daemon.log()).split("\n").filter((line) => line.includes("deployment ended"));
  return lines
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line["site"] === String(rows[0]?.id))
    .map((line) => `${String(line["generation"])} ${String(line["state"])}`);
}

async function generationsOf(host: string): Promise<string[]> {
  const { rows } = await stack.pool.query<{ text: string }>(
    `select d.generation || ' ' || d.state as text from deployment_history d join sites s on s.id = d.site_id
     where s.host = $1 order by d.generation`,
    [host],
  );
  return rows.map((row) => row.text);
}

/** As if a lease of 30 s had gone by: the database's clock judges it. */
async function endLease(host: string): Promise<void> {
  await stack.pool.query(
    `update deployment_history d set lease_expires_at = now() - interval '1 second' from sites s
     where s.id = d.site_id and s.host = $1 and d.lease_expires_at is not null`,
    [host],
  );
}

async function open(branch: string): Promise<{ number: number; host: string }> {
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  return { number, host: hostOf(number) };
}

fault(
  "fault 10: a Central killed after the worker accepted a Build hands the same generation over again, and it runs once",
  async () => {
    const { branch, sha } = await pushBranch(stack);
    const { alone, other } = await aloneWith("dispatch.after-build:kill");
    const { host } = await open(branch);
    expect(await alone.ended()).toEqual({ code: null, signal: "SIGKILL" });
    await other.start();
    await expectLive(stack, host, sha);
    expect(await generationsOf(host)).toEqual(["1 succeeded"]);
    expect(await runsOf(host)).toEqual(["1 SUCCEEDED"]);
  },
);

fault("fault 10: a Central killed before it called the worker loses nothing: the other one dispatches", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { alone, other } = await aloneWith("dispatch.before-build:kill");
  const { host } = await open(branch);
  expect(await alone.ended()).toEqual({ code: null, signal: "SIGKILL" });
  await other.start();
  await expectLive(stack, host, sha);
  expect(await runsOf(host)).toEqual(["1 SUCCEEDED"]);
});

fault("fault 11: a Build whose answer was lost is asked for again, at the same generation, and runs once", async () => {
  const { branch, sha } = await pushBranch(stack);
  toWorker().set({ cutAfterBytes: 0 });
  // Without an answer to TLS no request comes through: the connections that are open already carry it.
  const { host } = await open(branch);
  await eventually(async () => {
    const logs = (await Promise.all(stack.centrals.map(async (central) => central.log()))).join("");
    expect(logs).toContain("a build could not be handed over");
    expect((await deploymentsOf(stack, host)).length).toBe(1);
  });
  toWorker().set({});
  await expectLive(stack, host, sha);
  expect(await generationsOf(host)).toEqual(["1 succeeded"]);
  expect(await runsOf(host)).toEqual(["1 SUCCEEDED"]);
});

fault(
  "fault 12: after a partition beyond the lease the commit runs under the next generation, and the old result is refused",
  async () => {
    const { branch, sha } = await pushBranch(stack);
    worker().daemon.arm("publish.before-rename:sleep=4000");
    const { host } = await open(branch);
    await eventually(async () => expect(await worker().daemon.log()).toContain("failpoint publish.before-rename: sleep"));
    for (const link of [toWorker(), toCentral()]) link.set({ reset: true });
    await endLease(host);
    await eventually(async () => expect((await generationsOf(host))[0]).toBe("1 lost"));
    expect((await generationsOf(host))[1]).toMatch(/^2 (queued|dispatched)$/);
    for (const link of [toWorker(), toCentral()]) link.set({});
    await expectLive(stack, host, sha);
    expect(await generationsOf(host)).toEqual(["1 lost", "2 succeeded"]);
    expect((await served(host)).status).toBe(200);
  },
);

fault("fault 14: a replica that slept over a newer commit hands the older one to nobody: its write changes no row", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { alone, other } = await aloneWith("dispatch.before-build:sleep=4000");
  const { host } = await open(branch);
  await eventually(async () => expect(await alone.log()).toContain("failpoint dispatch.before-build: sleep"));
  alone.pause();
  await other.start();
  // Its webhook may go to the one that sleeps: the other one sees the new head by itself.
  const newer = await push(stack, branch);
  await eventually(async () => expect(await generationsOf(host)).toEqual(["1 superseded", expect.stringMatching(/^2 [^q]/)]));
  // Frozen, it keeps its connections; the job that it holds is the other one's within seconds all the same.
  await eventually(async () => {
    const { rows } = await stack.pool.query(
      "select from graphile_worker.jobs where task_identifier = 'dispatch' and locked_at is not null",
    );
    expect(rows).toHaveLength(0);
  });
  alone.resume();
  await expectLive(stack, host, newer.sha);
  // It has looked once the job that it slept in has ended.
  await eventually(async () => {
    const { rows } = await stack.pool.query("select from graphile_worker.jobs where locked_at is not null");
    expect(rows).toHaveLength(0);
  });
  expect(await deploymentsOf(stack, host)).toEqual([
    { commit: sha, state: "superseded" },
    { commit: newer.sha, state: "succeeded" },
  ]);
  expect(await runsOf(host)).toEqual(["2 SUCCEEDED"]);
});

fault("fault 39: a pull request closed while it is published is gone, and reopened it is there again", async () => {
  const { branch, sha } = await pushBranch(stack);
  worker().daemon.arm("publish.before-fence:sleep=3000");
  const { number, host } = await open(branch);
  await eventually(async () => expect(await worker().daemon.log()).toContain("failpoint publish.before-fence: sleep"));
  await stack.forge.closePullRequest({ ...repository, number });
  await eventually(async () => {
    const { rows } = await stack.pool.query<{ state: string }>("select state from sites where host = $1", [host]);
    expect(rows[0]?.state).toBe("removed");
  });
  expect((await served(host)).status).toBe(404);
  expect((await deploymentsOf(stack, host)).map(({ state }) => state)).toEqual(["superseded"]);
  await stack.forge.reopenPullRequest({ ...repository, number });
  await expectLive(stack, host, sha);
  expect((await served(host)).status).toBe(200);
});

fault("fault 39: closed and reopened at once, by events in any order, the last state wins", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { number, host } = await open(branch);
  await expectLive(stack, host, sha);
  await stack.forge.closePullRequest({ ...repository, number });
  await stack.forge.reopenPullRequest({ ...repository, number });
  await stack.forge.closePullRequest({ ...repository, number });
  await stack.forge.settled();
  await eventually(async () => expect((await served(host)).status).toBe(404));
  await eventually(async () => {
    const { rows } = await stack.pool.query<{ state: string }>("select state from sites where host = $1", [host]);
    expect(rows[0]?.state).toBe("removed");
  });
});
