import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { SiteState } from "#gen/catapult/v1/operator_service_pb.js";
import { addRepository, selectDeployments } from "#test/central/support/start-test-central.ts";
import { startFakeWorker } from "#test/central/support/start-fake-worker.ts";
import { eventually } from "#test/support/eventually.ts";
import { type Actions, reasonOf, releaseOf, startActions } from "./start-actions.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

const org = "acme";

/** A repository whose first commit is live in production. */
async function addLive(name: string) {
  await addRepository(t.central, name);
  const host = `${name}.one.test`;
  const build = await t.build(host);
  await t.succeed(build);
  return { host, build, siteId: build.siteId };
}

async function siteOf(host: string) {
  return (await t.operator.getSite({ host })).site!;
}

test("Deploy of what is live or on its way answers with that deployment, and of a tag pins the site until a push", async () => {
  const { host, build } = await addLive("tagged");
  const asked = { githubOrg: org, githubRepo: "tagged" };
  const there = await t.operator.deploy(asked);
  expect(there.deployment).toMatchObject({ id: build.deploymentId, live: true });
  const second = await t.push("tagged", "two");
  const newer = await t.build(host, build.generation);
  await t.succeed(newer);
  const old = await t.operator.deploy({ ...asked, ref: build.commit });
  expect(old.deployment).toMatchObject({ commit: build.commit, cause: "token:operator" });
  expect((await t.operator.deploy({ ...asked, ref: build.commit })).deployment?.id).toBe(old.deployment?.id);
  expect((await siteOf(host)).pinnedFrom).toBe(second);
  const third = await t.push("tagged", "three");
  const built = await t.build(host, old.deployment!.generation);
  expect(built.commit).toBe(third);
  expect((await siteOf(host)).pinnedFrom).toBe("");
});

test("Deploy to production takes no commit that the default branch does not hold, be it known at GitHub under the repository's name", async () => {
  await addLive("held");
  const { forge } = t.central;
  const fork = await forge.forkRepository({ owner: org, name: "held", by: "mallory" });
  const theirs = await forge.pushFiles({ owner: fork.owner, name: fork.name, branch: "main", by: "mallory", files: { x: "y" } });
  await forge.openPullRequest({ owner: org, name: "held", title: "x", head: "mallory:main", base: "main", by: "mallory" });
  const ask = (ref: string) => t.operator.deploy({ githubOrg: org, githubRepo: "held", ref });
  const side = await forge.pushFiles({ owner: org, name: "held", branch: "side", from: "main", files: { "a.html": "a" } });
  expect(await reasonOf(ask(theirs.sha))).toBe("ref_not_allowed");
  expect(await reasonOf(ask(side.sha))).toBe("ref_not_allowed");
  expect(await reasonOf(ask("nowhere"))).toBe("ref_not_found");
  expect(await reasonOf(ask("refs/pull/1/head"))).toBe("ref_not_found");
  expect(await reasonOf(ask("../../x"))).toBe("ref_not_found");
  expect((await ask("side")).deployment).toMatchObject({ commit: side.sha, branch: "side" });
  expect(await reasonOf(t.operator.deploy({ githubOrg: org, githubRepo: "nobody" }))).toBe("config_not_found");
  expect(await reasonOf(t.operator.deploy({ githubOrg: org, githubRepo: "held", pullRequest: 99n }))).toBe(
    "pull_request_not_found",
  );
});

test("Rollback makes the release before live again without a commit or a token, once however often it is asked, and pins the site", async () => {
  const { host, build, siteId } = await addLive("back");
  const second = await t.push("back", "two");
  const newer = await t.build(host, build.generation);
  await t.succeed(newer);
  const { deployment } = await t.operator.rollback({ site: siteId });
  expect(deployment).toMatchObject({ commit: build.commit, release: releaseOf(build), generation: newer.generation + 1n });
  const asked = await t.build(host, newer.generation);
  expect(asked).toMatchObject({ commit: "", release: releaseOf(build), cloneToken: "" });
  await t.succeed(asked);
  expect((await t.operator.rollback({ site: siteId })).deployment?.id).toBe(deployment?.id);
  expect(await siteOf(host)).toMatchObject({ pinnedFrom: second, liveCommit: build.commit, liveRelease: releaseOf(build) });
  await t.push("back", "three");
  await t.build(host, asked.generation);
  expect((await siteOf(host)).pinnedFrom).toBe("");
});

test("Rollback to a release that the worker does not have any more is refused, and so is one where nothing was live before", async () => {
  const { host, build, siteId } = await addLive("gone");
  expect(await reasonOf(t.operator.rollback({ site: siteId }))).toBe("release_gone");
  await t.push("gone", "two");
  const newer = await t.build(host, build.generation);
  await t.succeed(newer);
  t.central.worker.behaviour.sites = () => [{ siteId, generation: newer.generation, host, releases: [releaseOf(newer)] }];
  try {
    expect(await reasonOf(t.operator.rollback({ site: siteId }))).toBe("release_gone");
  } finally {
    t.central.worker.behaviour.sites = undefined;
  }
  expect(await reasonOf(t.operator.rollback({ site: siteId, deployment: 999_999n }))).toBe("deployment_not_found");
  const other = await addLive("not-gone");
  const refused = t.operator.rollback({ site: siteId, deployment: other.build.deploymentId });
  await expect(refused).rejects.toThrow(
    `deployment: deployment ${other.build.deploymentId} is one of ${other.host} (site ${other.siteId}), not of ${host} (site ${siteId})`,
  );
  expect(await reasonOf(refused)).toBe("invalid_field");
  expect(await reasonOf(t.operator.rollback({ site: 999_999n }))).toBe("site_not_found");
});

test("Cancel ends what is queued at once and tells the worker of what runs; a repeat changes nothing", async () => {
  const { host, build } = await addLive("ended");
  await t.push("ended", "two");
  const running = await t.build(host, build.generation);
  await t.report(running, DeploymentState.BUILDING);
  const { deployment } = await t.operator.cancel({ id: running.deploymentId });
  expect(deployment?.state).toBe(DeploymentState.BUILDING);
  expect((await t.report(running, DeploymentState.BUILDING)).cancel).toBe(true);
  await t.report(running, DeploymentState.CANCELED);
  const again = await t.operator.cancel({ id: running.deploymentId });
  expect(again.deployment?.state).toBe(DeploymentState.CANCELED);
  expect(await siteOf(host)).toMatchObject({ liveDeployment: build.deploymentId });
  const { entries } = await t.operator.listAuditEntries({ resource: `deployments/${running.deploymentId}` });
  expect(entries.map(({ method, token }) => [method, token])).toEqual([["Cancel", "operator"]]);
  expect(await reasonOf(t.operator.cancel({ id: 999_999n }))).toBe("deployment_not_found");
});

test("Redeploy builds a deployment's commit again each time, but no commit of a disabled config", async () => {
  const { host, build } = await addLive("again");
  const { deployment } = await t.operator.redeploy({ id: build.deploymentId });
  expect(deployment).toMatchObject({ commit: build.commit, generation: build.generation + 1n });
  const second = await t.operator.redeploy({ id: build.deploymentId });
  expect(second.deployment?.generation).toBe(build.generation + 2n);
  const named = { githubOrg: org, githubRepo: "again" };
  await t.operator.updateDeploymentConfig({
    deploymentConfig: { ...named, disabled: true },
    updateMask: { paths: ["disabled"] },
  });
  expect(await reasonOf(t.operator.redeploy({ id: build.deploymentId }))).toBe("config_disabled");
  expect(await reasonOf(t.operator.deploy(named))).toBe("config_disabled");
  expect((await selectDeployments(t.central.pool, host)).map(({ state }) => state).slice(0, 2)).toEqual([
    "succeeded",
    "superseded",
  ]);
});

test("a site that an operator deleted stays away while its branch's head is the same, and a push brings it back", async () => {
  const { host, build, siteId } = await addLive("deleted");
  expect((await t.operator.deleteSite({ id: siteId })).site?.state).toBe(SiteState.REMOVING);
  const removal = await t.cleanup(siteId);
  await t.central.worker.client.reportStatus({ siteId, generation: removal.generation, siteRemoved: true });
  expect((await t.operator.deleteSite({ id: siteId })).site?.state).toBe(SiteState.REMOVED);
  const config = await t.central.pool.query<{ id: bigint }>("select id from deployment_config where github_repo = 'deleted'");
  const { lookAtConfig } = await import("#central/reconcile/look-at-config.ts");
  const { createGitHub } = await import("#central/github/create-github.ts");
  const { appId, privateKey, githubApiUrl } = t.central.config;
  const { log } = await import("#test/central/support/test-log.ts");
  const github = createGitHub({ appId, privateKey, apiUrl: githubApiUrl }, t.central.pool, log);
  await lookAtConfig({ pool: t.central.pool, github }, config.rows[0]!.id, 0n);
  expect((await siteOf(host)).state).toBe(SiteState.REMOVED);
  await t.push("deleted", "two");
  await t.build(host, build.generation);
  expect(await siteOf(host)).toMatchObject({ state: SiteState.WANTED, pinnedFrom: "" });
});

test("a new subdomain makes the new site first, and the old one is removed once the new one is live", async () => {
  const { host, build, siteId } = await addLive("moved");
  const update = await t.operator.updateDeploymentConfig({
    deploymentConfig: { githubOrg: org, githubRepo: "moved", subdomain: "elsewhere" },
    updateMask: { paths: ["subdomain"] },
  });
  expect(update.sitesToMove).toBe(1);
  const there = await t.build("elsewhere.one.test");
  expect(there.commit).toBe(build.commit);
  expect(await siteOf(host)).toMatchObject({ state: SiteState.WANTED, liveDeployment: build.deploymentId });
  expect(await reasonOf(t.operator.redeploy({ id: build.deploymentId }))).toBe("site_leaving");
  await t.succeed(there);
  const removal = await t.cleanup(siteId);
  expect(removal.host).toBe(host);
  await t.central.worker.client.reportStatus({ siteId, generation: removal.generation, siteRemoved: true });
  expect(await reasonOf(t.operator.getSite({ host }))).toBe("site_not_found");
  expect(await siteOf("elsewhere.one.test")).toMatchObject({ liveCommit: build.commit });
});

test("Plan says hosts, command and sources of a repository as GitHub has it, and every problem at once; nothing is stored", async () => {
  const { forge } = t.central;
  const files = { "package.json": JSON.stringify({ devDependencies: { vite: "6" } }), "package-lock.json": "{}" };
  await forge.createRepository({ owner: org, name: "planned", files });
  await forge.installApp({ owner: org, name: "planned" });
  const config = { githubOrg: org, githubRepo: "planned", environment: "one", domain: "one.test", subdomain: "planned" };
  const plan = await t.operator.planDeploymentConfig({ deploymentConfig: config });
  expect(plan).toMatchObject({
    productionUrl: "https://planned.one.test",
    previewUrl: "https://pr-<n>-planned.one.test",
    buildCommand: "npm ci && npm run build",
    outputDir: "dist",
    devshell: "vite",
    problems: [],
  });
  expect(plan.sources).toContain("build_command: detected (package-lock.json)");
  const bad = { ...config, environment: "nowhere", subdomain: "deployer", rootDir: "none" };
  const { problems } = await t.operator.planDeploymentConfig({ deploymentConfig: bad });
  expect(problems.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
    "deployment_config.subdomain: invalid_field",
    "deployment_config.environment: environment_not_found",
    "deployment_config.root_dir: root_dir_missing",
  ]);
  const climbing = await t.operator.planDeploymentConfig({ deploymentConfig: { ...config, outputDir: "../x" } });
  expect(climbing.problems.map(({ field }) => field)).toEqual(["deployment_config.output_dir"]);
  const { deploymentConfigs } = await t.operator.listDeploymentConfigs({ githubOrg: org });
  expect(deploymentConfigs.map(({ githubRepo }) => githubRepo)).not.toContain("planned");
});

test("an enabled worker takes the environment's sites under new generations, and none while it drains", async () => {
  const { host, build } = await addLive("taken");
  const { pool, secretKey, url } = t.central;
  const other = await startFakeWorker({ pool, secretKey, centralUrl: url, id: "worker-two", enabled: false });
  try {
    const { worker, sitesToDeploy } = await t.operator.enableWorker({ id: "worker-two" });
    expect(worker).toMatchObject({ id: "worker-two", enabled: true });
    expect(sitesToDeploy).toBeGreaterThan(0);
    expect((await t.operator.getWorker({ id: "worker-one" })).worker?.enabled).toBe(false);
    const moved = await t.build(host, build.generation, other);
    await t.succeed(moved, other);
    expect(await siteOf(host)).toMatchObject({ worker: "worker-two", liveCommit: build.commit });
    expect((await t.operator.enableWorker({ id: "worker-two" })).sitesToDeploy).toBe(0);

    await t.operator.drainWorker({ id: "worker-two", draining: true });
    await t.push("taken", "drained");
    await eventually(async () => {
      const { deployments } = await t.operator.listDeployments({ site: moved.siteId, pageSize: 1 });
      expect(deployments[0]).toMatchObject({ state: DeploymentState.QUEUED, waiting: "draining" });
    });
    await t.operator.drainWorker({ id: "worker-two", draining: false });
    await t.build(host, moved.generation, other);
    expect(await reasonOf(t.operator.drainWorker({ id: "worker-one", draining: true }))).toBe("worker_not_enabled");
  } finally {
    await t.operator.enableWorker({ id: "worker-one" });
    await other.stop();
  }
});

test("what GitHub does not answer is unavailable with a time to wait, and nothing is stored", async () => {
  await addLive("silent");
  t.central.forge.setFault({ kind: "answer", status: 502, method: "GET", path: /\/repos\/acme\/silent/, times: 1 });
  expect(await reasonOf(t.operator.deploy({ githubOrg: org, githubRepo: "silent" }))).toBe("github_unavailable");
});
