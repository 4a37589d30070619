import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { dropLaterLooks } from "#test/central/support/drop-later-looks.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { createHolds } from "./support/create-holds.ts";
import { faultsOn } from "./support/fault.ts";
import { postWebhook, pullRequestPayload } from "./support/post-webhook.ts";
import {
  addSite,
  deliveryState,
  deploymentsOf,
  endClaims,
  expectLive,
  freeWhatTheDeadHold,
  hostOf,
  push,
  pushBranch,
  repairs,
  repository,
} from "./support/sites.ts";

let stack: Stack;
let repositoryId: number;

beforeAll(async () => {
  stack = await startStack({ centrals: 2, links: true, env: { central: { RECONCILE_INTERVAL: "2s" } } });
  ({ id: repositoryId } = await addSite(stack));
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const fault = faultsOn(() => stack);

const first = () => stack.centrals[0]!;
const second = () => stack.centrals[1]!;
const webhooks = () => stack.links.get("forge-central");
const open = async (branch: string) => stack.forge.openPullRequest({ ...repository, head: branch });

async function deliver(central: number, o: { number: number; commit: string; action?: string }) {
  return postWebhook(stack, { central, event: "pull_request", payload: pullRequestPayload({ repositoryId, ...o }) });
}

/** Works with the first Central alone, armed with a failpoint that ends it. */
async function withDying(failpoint: string, work: () => Promise<void>): Promise<void> {
  await second().stop();
  first().arm(`${failpoint}:kill`);
  await work();
  expect(await first().ended()).toEqual({ code: null, signal: "SIGKILL" });
  await freeWhatTheDeadHold(stack);
  first().arm("");
}

/**
 * A comparison with GitHub, every 2 s here, finds a newer commit by itself: until `restoreComparisons`, as if each config had just been compared and
 * the interval were an hour, only deliveries lead to one.
 */
async function withoutComparisons(): Promise<void> {
  await eventually(async () => {
    await stack.pool.query("update deployment_config set looked_at = now() + interval '1 hour'");
    await dropLaterLooks(stack.pool);
    // One that was replaced while it ran, by a replica that was killed then, stays a week, and nothing runs it.
    const { rows } = await stack.pool.query(
      `select 'a look that runs or waits' as left, run_at::text, locked_by, attempts, last_error from graphile_worker.jobs
       where task_identifier = 'look' and (attempts < max_attempts or locked_at is not null)
       union all select 'a comparison that ended after all', looked_at::text, null, null, null from deployment_config where looked_at <= now()`,
    );
    expect(rows).toEqual([]);
  });
}

async function restoreComparisons(): Promise<void> {
  await stack.pool.query("update deployment_config set looked_at = '-infinity' where looked_at > now()");
}

async function failedDelivery() {
  return eventually(async () => {
    const found = (await stack.forge.deliveries()).findLast((each) => each.event === "pull_request" && each.action === "opened");
    if (found === undefined || found.statusCode === 202) throw new Error("no opened delivery has failed yet");
    return found;
  });
}

fault("fault 01: a Central killed before COMMIT gets the delivery by the redelivery sweep", async () => {
  const { branch, sha } = await pushBranch(stack);
  let host = "";
  await withDying("webhook.before-commit", async () => {
    const pull = await open(branch);
    host = hostOf(pull.number);
  });
  const failed = await failedDelivery();
  expect(await deliveryState(stack, failed.guid)).toBeUndefined();
  await Promise.all([first().start(), second().start()]);
  await eventually(async () => expect(await deliveryState(stack, failed.guid)).toMatch(/processed|superseded/), 30_000);
  await expectLive(stack, host, sha);
  expect(await repairs(stack, "delivery_missed")).toBeGreaterThan(0);
});

fault("fault 02: a Central killed after COMMIT and before its answer builds once, redelivered or not", async () => {
  const { branch, sha } = await pushBranch(stack);
  let host = "";
  await withDying("webhook.after-commit", async () => {
    const pull = await open(branch);
    host = hostOf(pull.number);
  });
  const failed = await failedDelivery();
  expect(await deliveryState(stack, failed.guid)).toBe("received");
  await Promise.all([first().start(), second().start()]);
  await expectLive(stack, host, sha);
  await stack.forge.redeliver(failed.id);
  await stack.forge.settled();
  await eventually(async () => expect(await deliveryState(stack, failed.guid)).toBe("processed"));
  expect(await deploymentsOf(stack, host)).toEqual([{ commit: sha, state: "succeeded" }]);
});

fault("fault 03: without PostgreSQL a webhook is answered 503, never 2xx, and is there once it is back", async () => {
  const { branch, sha } = await pushBranch(stack);
  for (const index of [0, 1]) stack.links.get("central-postgres", index).set({ reset: true });
  const pull = await open(branch);
  await stack.forge.settled();
  const failed = await failedDelivery();
  expect(failed.statusCode).toBe(503);
  for (const index of [0, 1]) stack.links.get("central-postgres", index).set({});
  await eventually(async () => expect(await deliveryState(stack, failed.guid)).toMatch(/processed|superseded/), 30_000);
  await expectLive(stack, hostOf(pull.number), sha);
});

fault("fault 04: a connection reset after the COMMIT was sent is no second build when the delivery comes again", async () => {
  const { branch, sha } = await pushBranch(stack);
  webhooks().set({ blackhole: true });
  const pull = await open(branch);
  const delivery = { number: pull.number, commit: sha, action: "opened" };
  // Every query's answer is lost while this stands: the one that is to be cut must be on a connection that is open already.
  const lost = await eventually(async () => {
    await eventually(async () => expect((await deliver(0, { ...delivery, action: "labeled" })).status).toBe(202));
    stack.links.get("central-postgres", 0).set({ cutAfterBytes: 0 });
    const sent = await deliver(0, delivery);
    stack.links.get("central-postgres", 0).set({});
    expect(sent.status).toBe(503);
    expect(await deliveryState(stack, sent.guid)).toBeDefined();
    return sent;
  }, 30_000);
  const payload = pullRequestPayload({ repositoryId, ...delivery });
  await eventually(async () =>
    expect((await postWebhook(stack, { central: 1, event: "pull_request", payload, guid: lost.guid })).status).toBe(202),
  );
  webhooks().set({});
  // One may have been taken up by an answer that was lost.
  await endClaims(stack);
  await expectLive(stack, hostOf(pull.number), sha);
  await eventually(async () => expect(await deliveryState(stack, lost.guid)).toBe("processed"));
  expect(await deploymentsOf(stack, hostOf(pull.number))).toEqual([{ commit: sha, state: "succeeded" }]);
});

fault("fault 05: what happened in 20 events while every Central was down is made good, both ways", async () => {
  const kept = await pushBranch(stack);
  const gone = await pushBranch(stack);
  const [keptPull, gonePull] = [await open(kept.branch), await open(gone.branch)];
  await expectLive(stack, hostOf(gonePull.number), gone.sha);
  await Promise.all([first().kill(), second().kill()]);
  await freeWhatTheDeadHold(stack);
  const expected = new Map<string, string>();
  for (let n = 0; n < 4; n += 1) {
    const { branch } = await pushBranch(stack);
    const pull = await open(branch);
    expected.set(hostOf(pull.number), (await push(stack, branch)).sha);
  }
  await push(stack, "main");
  for (let n = 0; n < 3; n += 1) expected.set(hostOf(keptPull.number), (await push(stack, kept.branch)).sha);
  expected.set("www.one.localhost", (await push(stack, "main")).sha);
  await stack.forge.closePullRequest({ ...repository, number: gonePull.number });
  await stack.forge.settled();
  const down = (await stack.forge.deliveries()).filter((each) => each.statusCode === 0);
  expect(down.length).toBeGreaterThanOrEqual(20);
  await Promise.all([first().start(), second().start()]);
  for (const [host, commit] of expected) await expectLive(stack, host, commit);
  await eventually(async () => {
    const { rows } = await stack.pool.query("select state from sites where host = $1", [hostOf(gonePull.number)]);
    expect(rows).toEqual([{ state: "removed" }]);
  }, 30_000);
  await eventually(async () => {
    for (const { guid } of down) expect(await deliveryState(stack, guid)).toMatch(/processed|superseded|ignored/);
  }, 30_000);
});

fault(
  "fault 06: of two events that arrive in the wrong order the newer commit is live, and the older is never built",
  async () => {
    const { branch } = await pushBranch(stack);
    webhooks().set({ blackhole: true });
    const older = await push(stack, branch);
    const newer = await push(stack, branch);
    // Only now: a comparison with GitHub in between would rightly build the older one.
    const pull = await open(branch);
    expect((await deliver(0, { number: pull.number, commit: newer.sha })).status).toBe(202);
    expect((await deliver(1, { number: pull.number, commit: older.sha })).status).toBe(202);
    webhooks().set({});
    await expectLive(stack, hostOf(pull.number), newer.sha);
    await stack.forge.settled();
    expect((await deploymentsOf(stack, hostOf(pull.number))).map(({ commit }) => commit)).toEqual([newer.sha]);
  },
);

fault("fault 07: one delivery that GitHub sends five times to two Centrals is one deployment", async () => {
  const { branch, sha } = await pushBranch(stack);
  webhooks().set({ blackhole: true });
  const pull = await open(branch);
  const payload = pullRequestPayload({ repositoryId, number: pull.number, commit: sha, action: "opened" });
  const guid = randomUUID();
  const answers = await Promise.all(
    [0, 1, 0, 1, 0].map(async (central) => postWebhook(stack, { central, event: "pull_request", payload, guid })),
  );
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
  await expectLive(stack, hostOf(pull.number), sha);
  await eventually(async () => expect(await deliveryState(stack, guid)).toBe("processed"));
  expect(await deploymentsOf(stack, hostOf(pull.number))).toEqual([{ commit: sha, state: "succeeded" }]);
});

fault(
  "fault 08: a replica whose look is seconds old loses against the one that committed newer, and looks again",
  async () => {
    const { branch } = await pushBranch(stack);
    webhooks().set({ blackhole: true });
    await withoutComparisons();
    const pull = await open(branch);
    // Either may take up a delivery: the second one must.
    first().pause();
    const holds = createHolds(second());
    const opened = { number: pull.number, commit: pull.headSha, action: "opened" };
    const late = await holds.at("intake.after-look", async () => deliver(1, opened));
    const newer = await push(stack, branch);
    const host = hostOf(pull.number);
    first().resume();
    await deliver(0, { number: pull.number, commit: newer.sha });
    await eventually(async () => expect((await deploymentsOf(stack, host)).at(-1)?.commit).toBe(newer.sha));
    holds.release();
    await eventually(async () => expect(await deliveryState(stack, late.guid)).toBe("superseded"));
    webhooks().set({});
    await expectLive(stack, host, newer.sha);
    expect((await deploymentsOf(stack, host)).map(({ commit }) => commit)).toEqual([newer.sha]);
  },
  { heal: restoreComparisons },
);

fault(
  "fault 08: a read of GitHub that lags 3 s behind its webhook is looked at again",
  async () => {
    const { branch, sha } = await pushBranch(stack);
    const pull = await open(branch);
    await expectLive(stack, hostOf(pull.number), sha);
    await withoutComparisons();
    const end = stack.forge.setFault({ kind: "stale", method: "GET", path: new RegExp(`/pulls(/${pull.number})?$`) });
    await deliver(0, { number: pull.number, commit: sha });
    await sleep(500);
    const newer = await push(stack, branch);
    await stack.forge.settled();
    await sleep(3_000);
    end();
    // The look after two seconds saw the old one too: the next is five seconds later.
    const { rowCount } = await stack.pool.query(
      "update graphile_worker._private_jobs set run_at = now() where key like 'look:%:%' and run_at between now() and now() + interval '5 seconds'",
    );
    expect(rowCount).toBe(1);
    await expectLive(stack, hostOf(pull.number), newer.sha);
  },
  { heal: restoreComparisons },
);

fault("fault 09: what was committed by a Central that died before its dispatch is dispatched by another", async () => {
  const { branch, sha } = await pushBranch(stack);
  let host = "";
  await withDying("intake.after-settle", async () => {
    const pull = await open(branch);
    host = hostOf(pull.number);
  });
  expect((await deploymentsOf(stack, host)).map(({ commit }) => commit)).toEqual([sha]);
  await second().start();
  await expectLive(stack, host, sha);
  await first().start();
});
