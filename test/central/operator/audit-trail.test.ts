import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { openForkPullRequest } from "#test/central/approval/held-fork.ts";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { startFakeWorker } from "#test/central/support/start-fake-worker.ts";
import { eventually } from "#test/support/eventually.ts";
import { type Actions, startActions } from "./start-actions.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

type Message = Record<string, unknown>;

/** The entries of a resource, the oldest first. */
async function entriesOf(resource: string) {
  const { entries } = await t.operator.listAuditEntries({ resource });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a message as JSON is an object
  const parse = (text: string): Message | undefined => (text === "" ? undefined : (JSON.parse(text) as Message));
  return entries.toReversed().map(({ method, before, after }) => ({ method, before: parse(before), after: parse(after) }));
}

async function findHeld(repo: string) {
  return eventually(async () => {
    const { deployments } = await t.operator.listDeployments({ githubRepo: repo, states: [DeploymentState.HELD] });
    expect(deployments).toHaveLength(1);
    return deployments[0]!;
  });
}

test("Approve records how the held deployment stood, once however often it is asked", async () => {
  const pull = await openForkPullRequest(t.central, "approved");
  const held = await findHeld("approved");
  const asked = { githubOrg: "acme", githubRepo: "approved", pullRequest: BigInt(pull.number), commit: pull.sha };
  for (let time = 0; time < 3; time += 1) expect((await t.operator.approve(asked)).deploymentId).toBe(held.id);
  const entries = await entriesOf(`deployments/${held.id}`);
  expect(entries.map(({ method, before, after }) => [method, before?.["state"], after?.["state"]])).toEqual([
    ["Approve", "DEPLOYMENT_STATE_HELD", "DEPLOYMENT_STATE_QUEUED"],
  ]);
});

test("Deploy of a held commit that needs no approval any more records how it stood", async () => {
  const pull = await openForkPullRequest(t.central, "let-in");
  const held = await findHeld("let-in");
  await t.central.pool.query("update deployment_config set forks = 'on' where github_repo = 'let-in'");
  const asked = { githubOrg: "acme", githubRepo: "let-in", pullRequest: BigInt(pull.number) };
  expect((await t.operator.deploy(asked)).deployment?.id).toBe(held.id);
  const entries = await entriesOf(`deployments/${held.id}`);
  expect(entries.map(({ method, before, after }) => [method, before?.["state"], after?.["state"]])).toEqual([
    ["Deploy", "DEPLOYMENT_STATE_HELD", "DEPLOYMENT_STATE_QUEUED"],
  ]);
});

test("the pins that Deploy, Redeploy and Rollback set and end are recorded of the site", async () => {
  await addRepository(t.central, "pinned");
  const host = "pinned.one.test";
  const named = { githubOrg: "acme", githubRepo: "pinned" };
  const first = await t.build(host);
  await t.succeed(first);
  const second = await t.push("pinned", "two");
  const newer = await t.build(host, first.generation);
  await t.succeed(newer);
  const rolledBack = await t.operator.rollback({ site: first.siteId });
  await t.succeed(await t.build(host, newer.generation));
  const unpinned = await t.operator.deploy(named);
  await t.succeed(await t.build(host, rolledBack.deployment!.generation));
  const again = await t.operator.redeploy({ id: first.deploymentId });
  await t.succeed(await t.build(host, unpinned.deployment!.generation));
  // Of the commit that is live already, only the pin changes.
  await t.central.pool.query("update sites set pinned_from = $2 where id = $1", [first.siteId, "b".repeat(40)]);
  const onlyPin = await t.operator.deploy({ ...named, ref: first.commit });
  expect(onlyPin.deployment?.id).toBe(again.deployment?.id);
  // Nothing changes.
  await t.operator.deploy({ ...named, ref: first.commit });
  const entries = await entriesOf(`sites/${first.siteId}`);
  expect(entries.map(({ method, before, after }) => [method, before?.["pinnedFrom"], after?.["pinnedFrom"]])).toEqual([
    ["Rollback", undefined, second],
    ["Deploy", second, undefined],
    ["Redeploy", undefined, second],
    ["Deploy", "b".repeat(40), second],
  ]);
  expect((await entriesOf(`deployments/${again.deployment?.id}`)).map(({ method }) => method)).toEqual(["Redeploy"]);
});

test("EnableWorker is recorded of the worker before it too", async () => {
  const { pool, secretKey, url } = t.central;
  const id = `worker-${randomUUID().slice(0, 8)}`;
  const other = await startFakeWorker({ pool, secretKey, centralUrl: url, id, enabled: false });
  try {
    await t.operator.enableWorker({ id });
    const enabling = async (worker: string) =>
      (await entriesOf(`workers/${worker}`))
        .filter(({ method }) => method === "EnableWorker")
        .map(({ before, after }) => [before?.["enabled"], after?.["enabled"]]);
    expect((await enabling("worker-one")).at(-1)).toEqual([true, undefined]);
    expect(await enabling(id)).toEqual([[undefined, true]]);
  } finally {
    await t.operator.enableWorker({ id: "worker-one" });
    await other.stop();
  }
});
