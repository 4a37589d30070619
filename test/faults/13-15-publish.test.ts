import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Failpoint } from "#common/failpoints.ts";
import { eventually } from "#test/support/eventually.ts";
import { findBreaches, watchSites, type SiteWatch } from "#test/support/invariants.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { digestOf } from "#test/support/invariants/watch-sites.ts";
import { visit } from "#test/support/visit.ts";
import { addSite, deploymentsOf, expectLive, hostOf, push, pushBranch, repository } from "./support/sites.ts";

const production = "www.one.localhost";
let stack: Stack;
let watch: SiteWatch;

beforeAll(async () => {
  stack = await startStack();
  await addSite(stack);
  watch = watchSites(stack);
}, podmanHookTimeout);
afterAll(async () => {
  await watch?.stop();
  await stack?.stop();
});

const worker = () => stack.workers[0]!.daemon;
const served = async (host = production) => visit(stack.workers[0]!.sitesPort, host);

/** As if the 30 s of the leases had gone; they are judged by the database's clock. */
async function endLeases(): Promise<void> {
  await stack.pool.query(
    "update deployment_history set lease_expires_at = now() - interval '1 second' where lease_expires_at is not null",
  );
}

// The second stands between what is stored and the switch, under the site's lock.
const stopsBeforeSwitch: Failpoint[] = ["publish.before-fence", "publish.after-fence"];

test.each(stopsBeforeSwitch)(
  "fault 13: a publish that was stopped at %s while a newer commit came is never served",
  async (step) => {
    const page = (await served()).body;
    worker().arm(`${step}:sleep=3000`);
    const old = await push(stack, "main");
    await eventually(async () => expect(await worker().log()).toContain(`failpoint ${step}: sleep`));
    worker().pause();
    const newer = await push(stack, "main");
    await eventually(async () => expect((await deploymentsOf(stack, production)).at(-1)?.commit).toBe(newer.sha));
    // The sleep is over while the worker is stopped: it wakes up at its switch, before the newer Build can have reached it.
    await sleep(4_000);
    expect((await served()).body).toBe(page);
    worker().resume();
    await expectLive(stack, production, newer.sha);
    expect((await deploymentsOf(stack, production)).slice(-2)).toEqual([
      { commit: old.sha, state: "superseded" },
      { commit: newer.sha, state: "succeeded" },
    ]);
    expect(await worker().log()).toMatch(/"why":"(superseded|canceled)"[^\n]*deployment was stopped/);
    const oldPage = digestOf(old.text);
    expect(
      watch
        .sightings()
        .get(production)
        ?.map(({ digest }) => digest),
    ).not.toContain(oldPage);
    expect((await served()).body).toBe(newer.text);
  },
);

test("fault 24: a disk that is full while a Build is taken refuses it and says so, and the build is taken once there is room", async () => {
  worker().arm("accept.after-store:enospc");
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  expect(await worker().log()).toContain("failpoint accept.after-store: enospc");
  expect(await stack.central.log()).toContain("[resource_exhausted] this worker is not ready: disk: it is full");
  expect(await deploymentsOf(stack, hostOf(number))).toEqual([{ commit: sha, state: "succeeded" }]);
});

// In the order of a deployment.
const publishSteps: Failpoint[] = [
  "accept.after-store",
  "publish.before-rename",
  "publish.after-rename",
  "publish.before-fence",
  "publish.after-fence",
  "publish.after-switch",
  "report.before-final",
];

test.each(publishSteps)(
  "fault 15: a worker killed at %s leaves a whole site, and serves the newest commit after its next start",
  async (step) => {
    worker().arm(`${step}:kill`);
    const before = await served();
    const { sha, text } = await push(stack, "main");
    expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
    const meanwhile = await served();
    expect(meanwhile.status).toBe(200);
    expect([before.body, text]).toContain(meanwhile.body);
    // What is stored as the end needs no second build: its lease must live for it.
    if (step !== "report.before-final") await endLeases();
    worker().arm("");
    await worker().start();
    await expectLive(stack, production, sha);
    expect((await served()).body).toBe(text);
    const newest = (await deploymentsOf(stack, production)).filter(({ commit }) => commit === sha);
    expect(newest.at(-1)?.state).toBe("succeeded");
    expect(step === "report.before-final" ? newest.length : 1).toBe(1);
  },
);

test("fault 15: a worker killed after Central took its last word says it once more, and that changes nothing", async () => {
  worker().arm("report.after-final:kill");
  const { sha } = await push(stack, "main");
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  await expectLive(stack, production, sha);
  worker().arm("");
  await worker().start();
  expect((await deploymentsOf(stack, production)).filter(({ commit }) => commit === sha)).toEqual([
    { commit: sha, state: "succeeded" },
  ]);
});

test("fault 15: a worker killed before a new host has its route serves it after its next start", async () => {
  worker().arm("route.before:kill");
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect((await served(hostOf(number))).status).toBe(404);
  await endLeases();
  worker().arm("");
  await worker().start();
  await expectLive(stack, hostOf(number), sha);
  expect((await served(hostOf(number))).status).toBe(200);
});

test("fault 15: a removal that was killed at each of its steps is finished by the next start", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  worker().arm("remove.before-files:kill");
  await stack.forge.closePullRequest({ ...repository, number });
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect((await served(hostOf(number))).status).toBe(404);
  worker().arm("remove.before-store:kill");
  await worker().start({ until: "spawned" });
  expect(await worker().ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect((await served(hostOf(number))).status).toBe(404);
  worker().arm("");
  await worker().start();
  await eventually(async () => {
    const { rows } = await stack.pool.query("select state from sites where host = $1 and state <> 'removed'", [hostOf(number)]);
    expect(rows).toEqual([]);
  });
});

test("fault 13, 15: after all of them the invariants hold", async () => {
  expect(await findBreaches(stack, { watch })).toEqual([]);
});
