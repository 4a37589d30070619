import { afterAll, beforeAll, expect, test } from "vitest";
import { SiteState } from "#gen/catapult/v1/operator_service_pb.js";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { openForkPullRequest } from "#test/central/approval/held-fork.ts";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { eventually } from "#test/support/eventually.ts";
import { type Actions, reasonOf, startActions } from "./start-actions.ts";

const org = "acme";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

const siteOf = async (host: string) => (await t.operator.getSite({ host })).site!;

/** Nobody here ends the builds of production, which would take the slots of the repository. */
async function allowMany(name: string): Promise<void> {
  await t.central.pool.query("update deployment_config set max_running = 10 where github_repo = $1", [name]);
}

/** A repository with a pull request whose preview was asked for. */
async function openPreview(name: string) {
  await addRepository(t.central, name);
  await allowMany(name);
  const { forge } = t.central;
  await forge.pushFiles({ owner: org, name, branch: "change", from: "main", files: { a: name } });
  const { number } = await forge.openPullRequest({ owner: org, name, title: "x", head: "change", base: "main" });
  const hostAt = (domain: string) => `pr-${number}-${name}.${domain}`;
  return { number, hostAt, build: await t.build(hostAt("one.test")) };
}

async function moveTo(name: string, domain: string): Promise<number> {
  const deploymentConfig = { githubOrg: org, githubRepo: name, domain };
  return (await t.operator.updateDeploymentConfig({ deploymentConfig, updateMask: { paths: ["domain"] } })).sitesToMove;
}

async function remove(siteId: bigint, evicted = false): Promise<void> {
  const { generation } = evicted ? (await t.operator.getSite({ id: siteId })).site! : await t.cleanup(siteId);
  await t.central.worker.client.reportStatus({ siteId, generation, siteRemoved: true, evicted });
}

test("a held preview is held at its new host, where an approval builds it", async () => {
  const { number, sha } = await openForkPullRequest(t.central, "held");
  await allowMany("held");
  const isHeldAt = async (host: string) =>
    eventually(async () => {
      const { id } = await siteOf(host);
      const { deployments } = await t.operator.listDeployments({ site: id, pageSize: 1 });
      expect(deployments[0]).toMatchObject({ state: DeploymentState.HELD, commit: sha });
    });
  await isHeldAt(`pr-${number}-held.one.test`);
  await moveTo("held", "new.one.test");
  await isHeldAt(`pr-${number}-held.new.one.test`);
  await t.operator.approve({ githubOrg: org, githubRepo: "held", pullRequest: BigInt(number), commit: sha });
  expect(await t.build(`pr-${number}-held.new.one.test`)).toMatchObject({ commit: sha });
  expect(t.central.worker.builds.some(({ host }) => host === `pr-${number}-held.one.test`)).toBe(false);
});

test("a removed preview is built at the new host when its pull request opens again, and not before", async () => {
  const { number, hostAt, build } = await openPreview("closed");
  await t.succeed(build);
  await t.central.forge.closePullRequest({ owner: org, name: "closed", number });
  await remove(build.siteId);
  await eventually(async () => expect((await siteOf(hostAt("one.test"))).state).toBe(SiteState.REMOVED));
  await moveTo("closed", "new.one.test");
  expect(await reasonOf(t.operator.getSite({ host: hostAt("one.test") }))).toBe("site_not_found");
  expect((await siteOf(hostAt("new.one.test"))).state).toBe(SiteState.REMOVED);
  await t.central.forge.reopenPullRequest({ owner: org, name: "closed", number });
  expect(await t.build(hostAt("new.one.test"))).toMatchObject({ commit: build.commit });
});

test("an evicted preview is built at the new host, as its pull request is open still", async () => {
  const { hostAt, build } = await openPreview("roomless");
  await t.succeed(build);
  await remove(build.siteId, true);
  await eventually(async () => expect((await siteOf(hostAt("one.test"))).state).toBe(SiteState.EVICTED));
  await moveTo("roomless", "new.one.test");
  expect(await reasonOf(t.operator.getSite({ host: hostAt("one.test") }))).toBe("site_not_found");
  expect(await t.build(hostAt("new.one.test"))).toMatchObject({ commit: build.commit });
});

test("a config that goes to another domain and back has its sites as they were, and what was begun elsewhere is removed", async () => {
  const { hostAt, build } = await openPreview("undecided");
  await t.succeed(build);
  const production = await t.build("undecided.one.test");
  await t.succeed(production);
  expect(await moveTo("undecided", "b.one.test")).toBe(2);
  const there = await t.build(hostAt("b.one.test"));
  expect(await moveTo("undecided", "one.test")).toBe(2);
  // Served all the while; the commit that is live is asked for again, at a higher generation.
  for (const { host, siteId, commit, generation } of [build, production]) {
    expect(await siteOf(host)).toMatchObject({ id: siteId, state: SiteState.WANTED, liveCommit: commit });
    await t.succeed(await t.build(host, generation));
  }
  await remove(there.siteId);
  await eventually(async () => expect(await reasonOf(t.operator.getSite({ host: hostAt("b.one.test") }))).toBe("site_not_found"));
  const commit = await t.push("undecided", "after", "change");
  await eventually(async () => expect((await t.build(hostAt("one.test"), build.generation + 1n)).commit).toBe(commit));
});
