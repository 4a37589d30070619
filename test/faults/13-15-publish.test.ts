import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import type { Failpoint } from "#common/failpoints.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { digestOf } from "#test/support/invariants/watch-sites.ts";
import { visit } from "#test/support/visit.ts";
import { permitMs } from "#worker/accept/deploy.ts";
import { createHolds } from "./support/create-holds.ts";
import { faultsOn } from "./support/fault.ts";
import {
  addSite,
  deploymentsOf,
  endLeases,
  expectLive,
  hostOf,
  openLive,
  push,
  pushBranch,
  repository,
  siteState,
} from "./support/sites.ts";

const production = "www.one.localhost";
let stack: Stack;

// One kill meets a site at each step: a worker's start, which proves isolation first, is what these tests' time goes to.
beforeAll(async () => {
  stack = await startStack({ env: { worker: { BUILD_SLOTS: "14" } } });
  await addSite(stack, { maxRunning: 20 });
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const fault = faultsOn(() => stack);
const worker = () => stack.workers[0]!.daemon;
const served = async (host: string) => visit(stack.workers[0]!.sitesPort, host);

fault(
  "fault 13: publishes that were stopped between copy and switch while newer commits came are never served",
  async (watch) => {
    const holds = createHolds(worker());
    const preview = await openLive(stack);
    const stopped: { host: string; branch: string; page: string; old: { sha: string; text: string } }[] = [];
    // The second stands between what is stored and the switch, under the site's lock.
    const places: [Failpoint, string, string][] = [
      ["publish.before-fence", production, "main"],
      ["publish.after-fence", preview.host, preview.branch],
    ];
    for (const [step, host, branch] of places) {
      const page = (await served(host)).body;
      stopped.push({ host, branch, page, old: await holds.at(step, async () => push(stack, branch)) });
    }
    worker().pause();
    const newer = await Promise.all(stopped.map(async ({ branch }) => push(stack, branch)));
    for (const [index, { host }] of stopped.entries())
      await eventually(async () => expect((await deploymentsOf(stack, host)).at(-1)?.commit).toBe(newer[index]?.sha));
    // It goes on at its switch, before the newer Builds can have reached it, and with Central's word from before its stop.
    holds.release();
    await sleep(permitMs + 200);
    for (const { host, page } of stopped) expect((await served(host)).body).toBe(page);
    worker().resume();
    for (const [index, { host, old }] of stopped.entries()) {
      const newest = newer[index]!;
      await expectLive(stack, host, newest.sha);
      expect((await deploymentsOf(stack, host)).slice(-2)).toEqual([
        { commit: old.sha, state: "superseded" },
        { commit: newest.sha, state: "succeeded" },
      ]);
      expect((await served(host)).body).toBe(newest.text);
      const seen = watch.sightings().get(host) ?? [];
      expect(seen.map(({ digest }) => digest)).toContain(digestOf(newest.text));
      expect(seen.map(({ digest }) => digest)).not.toContain(digestOf(old.text));
    }
    expect(await worker().log()).toMatch(/"why":"(superseded|canceled)"[^\n]*deployment was stopped/);
  },
);

fault(
  "fault 24: a disk that is full while a Build is taken refuses it and says so, and the build is taken once there is room",
  async () => {
    worker().arm("accept.after-store:enospc");
    const { branch, sha } = await pushBranch(stack);
    const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
    await expectLive(stack, hostOf(number), sha);
    expect(await worker().log()).toContain("failpoint accept.after-store: enospc");
    expect(await stack.central.log()).toContain("[resource_exhausted] this worker is not ready: disk: it is full");
    expect(await deploymentsOf(stack, hostOf(number))).toEqual([{ commit: sha, state: "succeeded" }]);
  },
);

// In the order of a deployment, but for the first, whose Build is not answered meanwhile.
const publishSteps: Failpoint[] = [
  "publish.before-rename",
  "publish.after-rename",
  "publish.before-fence",
  "publish.after-fence",
  "publish.after-switch",
  "report.before-final",
  "report.after-final",
  "accept.after-store",
];

fault(
  "fault 15: a worker killed with a site at each publish step leaves whole sites, and serves the newest commits after its next start",
  async () => {
    const holds = createHolds(worker());
    const [removed, unstored, ...previews] = await Promise.all(
      Array.from({ length: publishSteps.length + 1 }, async () => openLive(stack)),
    );
    const main = { host: production, branch: "main" };
    const updated: { step: Failpoint; host: string; before: string; sha: string; text: string }[] = [];
    for (const [index, step] of publishSteps.entries()) {
      const { host, branch } = previews[index] ?? main;
      const before = (await served(host)).body;
      updated.push({ step, host, before, ...(await holds.at(step, async () => push(stack, branch))) });
    }
    const close = async (number: number) => stack.forge.closePullRequest({ ...repository, number });
    await holds.at("remove.before-store", async () => close(unstored!.number));
    await holds.at("remove.before-files", async () => close(removed!.number));
    const fresh = await holds.at("route.before", async () => {
      const { branch, sha } = await pushBranch(stack);
      const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
      return { host: hostOf(number), sha };
    });

    await worker().kill();
    for (const { step, host, before, text } of updated) {
      const meanwhile = await served(host);
      expect({ step, status: meanwhile.status }).toEqual({ step, status: 200 });
      expect([before, text]).toContain(meanwhile.body);
    }
    for (const { host } of [removed!, unstored!, fresh]) expect((await served(host)).status).toBe(404);
    // What is stored as the end needs no second build: its lease must live for it.
    const ended = updated.filter(({ step }) => step.startsWith("report.")).map(({ host }) => host);
    await endLeases(stack, [...updated.map(({ host }) => host).filter((host) => !ended.includes(host)), fresh.host]);
    holds.release();
    await worker().start();

    for (const { host, sha, text } of updated) {
      await expectLive(stack, host, sha);
      expect((await served(host)).body).toBe(text);
      const newest = (await deploymentsOf(stack, host)).filter(({ commit }) => commit === sha);
      expect(newest.at(-1)?.state).toBe("succeeded");
      if (ended.includes(host)) expect(newest).toHaveLength(1);
    }
    await expectLive(stack, fresh.host, fresh.sha);
    expect((await served(fresh.host)).status).toBe(200);
    for (const { host } of [removed!, unstored!]) {
      await eventually(async () => expect(await siteState(stack, host)).toBe("removed"));
      expect((await served(host)).status).toBe(404);
    }
  },
);

fault("fault 15: a worker killed in the middle of finishing a removal that was killed before finishes it at last", async () => {
  const { number, host } = await openLive(stack);
  worker().arm("remove.before-files:kill");
  await stack.forge.closePullRequest({ ...repository, number });
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect((await served(host)).status).toBe(404);
  worker().arm("remove.before-store:kill");
  await worker().start({ until: "spawned" });
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect((await served(host)).status).toBe(404);
  worker().arm("");
  await worker().start();
  await eventually(async () => expect(await siteState(stack, host)).toBe("removed"));
});
