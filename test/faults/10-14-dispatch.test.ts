import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import type { Daemon } from "#test/support/daemon.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { createHolds } from "./support/create-holds.ts";
import { faultsOn } from "./support/fault.ts";
import {
  addSite,
  deploymentsOf,
  endLeases,
  expectLive,
  freeWhatTheDeadHold,
  hostOf,
  liveCommit,
  push,
  pushBranch,
  repository,
  siteState,
} from "./support/sites.ts";

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
  return (await linesOf(host, "deployment ended")).map((line) => `${String(line["generation"])} ${String(line["state"])}`);
}

async function linesOf(host: string, message: string): Promise<Record<string, unknown>[]> {
  const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
  const lines = (await worker().daemon.log()).split("\n").filter((line) => line.includes(`"msg":"${message}"`));
  return lines.map((line): Record<string, unknown> => JSON.parse(line)).filter((line) => line["site"] === String(rows[0]?.id));
}

/** Why the worker stopped working on a site's generations, from its log. */
async function stopsOf(host: string): Promise<string[]> {
  return (await linesOf(host, "deployment was stopped")).map((line) => `${String(line["generation"])} ${String(line["why"])}`);
}

async function generationsOf(host: string): Promise<string[]> {
  const { rows } = await stack.pool.query<{ text: string }>(
    `select d.generation || ' ' || d.state as text from deployment_history d join sites s on s.id = d.site_id
     where s.host = $1 order by d.generation`,
    [host],
  );
  return rows.map((row) => row.text);
}

/** Whether the worker still has to tell Central how a site's work ended. */
async function isUnreported(host: string): Promise<boolean> {
  const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
  return (await readFile(join(worker().stateDirectory, "sites", `${rows[0]?.id}.json`), "utf8")).includes('"unreported":true');
}

/** The same, and Central has heard of it: it can reach no worker, while the worker reaches Central again. */
async function loseLease(host: string): Promise<void> {
  for (const link of [toWorker(), toCentral()]) link.set({ reset: true });
  await endLeases(stack, [host]);
  await eventually(async () => expect((await generationsOf(host))[0]).toBe("1 lost"));
  expect((await generationsOf(host))[1]).toMatch(/^2 (queued|dispatched)$/);
  toCentral().set({});
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
    await freeWhatTheDeadHold(stack);
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
  await freeWhatTheDeadHold(stack);
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
  "fault 12: work that a partition kept beyond its lease is ended by Central's word, and runs under the next generation",
  async () => {
    const holds = createHolds(worker().daemon);
    const { branch, sha } = await pushBranch(stack);
    const { host } = await holds.at("publish.before-rename", async () => open(branch));
    await loseLease(host);
    // Before the next Build can reach the worker: it is the lease that ends the work, not the newer generation.
    holds.release();
    await eventually(async () => expect(await stopsOf(host)).toEqual(["1 lease_lost"]));
    expect((await served(host)).status).toBe(404);
    toWorker().set({});
    await expectLive(stack, host, sha);
    expect(await generationsOf(host)).toEqual(["1 lost", "2 succeeded"]);
    expect(await runsOf(host)).toEqual(["2 SUCCEEDED"]);
    expect((await served(host)).status).toBe(200);
  },
);

fault("fault 12: a result that a partition kept beyond its lease is refused, and the next generation's is taken", async () => {
  const holds = createHolds(worker().daemon);
  const { branch, sha } = await pushBranch(stack);
  const { host } = await holds.at("report.before-final", async () => open(branch));
  await loseLease(host);
  expect(await isUnreported(host)).toBe(true);
  holds.release();
  // Refused for good: it is not said again.
  await eventually(async () => expect(await isUnreported(host)).toBe(false));
  expect(await liveCommit(stack, host)).toBeUndefined();
  expect(await generationsOf(host)).toEqual(["1 lost", expect.stringMatching(/^2 (queued|dispatched)$/)]);
  toWorker().set({});
  await expectLive(stack, host, sha);
  expect(await generationsOf(host)).toEqual(["1 lost", "2 succeeded"]);
});

fault("fault 14: a replica that slept over a newer commit hands the older one to nobody: its write changes no row", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { alone, other } = await aloneWith("");
  const holds = createHolds(alone);
  const { host } = await holds.at("dispatch.before-build", async () => open(branch));
  alone.pause();
  // It goes on with what it was about to do as soon as it goes on at all.
  holds.release();
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
  const holds = createHolds(worker().daemon);
  const { number, host } = await holds.at("publish.before-fence", async () => open(branch));
  await stack.forge.closePullRequest({ ...repository, number });
  // The removal waits for the work that it ended.
  await eventually(async () => expect((await deploymentsOf(stack, host)).map(({ state }) => state)).toEqual(["superseded"]));
  holds.release();
  await eventually(async () => expect(await siteState(stack, host)).toBe("removed"));
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
  await eventually(async () => expect(await siteState(stack, host)).toBe("removed"));
});
