import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, createHandlerContext } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { previewLabelCandidates } from "#central/operator/preview-label.ts";
import { createCentralService } from "#central/status/create-central-service.ts";
import { callerKey } from "#common/rpc/caller.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { CentralService, ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { openForkPullRequest } from "#test/central/approval/held-fork.ts";
import { log } from "#test/central/support/test-log.ts";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { eventually } from "#test/support/eventually.ts";
import { type Actions, reasonOf, startActions } from "./start-actions.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

test("a fork's commit is deployed again only once it is approved, and is approved only while it is the head", async () => {
  const pull = await openForkPullRequest(t.central, "stranger");
  const repository = { githubOrg: "acme", githubRepo: "stranger" };
  const asked = { ...repository, pullRequest: BigInt(pull.number), commit: pull.sha };
  const held = await eventually(async () => {
    const { deployments } = await t.operator.listDeployments({ githubRepo: "stranger", pullRequest: BigInt(pull.number) });
    expect(deployments[0]?.state).toBe(DeploymentState.HELD);
    return deployments[0]!;
  });
  expect(await reasonOf(t.operator.redeploy({ id: held.id }))).toBe("commit_not_approved");
  expect(await reasonOf(t.operator.deploy({ ...repository, pullRequest: asked.pullRequest, ref: pull.sha }))).toBe(
    "ref_not_allowed",
  );
  const there = await t.operator.deploy({ ...repository, pullRequest: asked.pullRequest });
  expect(there.deployment).toMatchObject({ id: held.id, state: DeploymentState.HELD });
  expect(await reasonOf(t.operator.approve({ ...asked, commit: "a".repeat(40) }))).toBe("commit_moved");
  expect((await t.operator.cancel({ id: held.id })).deployment?.state).toBe(DeploymentState.CANCELED);
  const { deploymentId } = await t.operator.approve(asked);
  const { entries } = await t.operator.listAuditEntries({ resource: `deployments/${deploymentId}` });
  expect(entries.map(({ method }) => method)).toContain("Approve");
  expect((await t.operator.redeploy({ id: held.id })).deployment?.state).toBe(DeploymentState.QUEUED);
  await t.central.forge.closePullRequest({ owner: "acme", name: "stranger", number: pull.number });
  expect(await reasonOf(t.operator.approve(asked))).toBe("approval_not_needed");
  expect(await reasonOf(t.operator.deploy({ ...repository, pullRequest: asked.pullRequest }))).toBe("pull_request_closed");
});

test("what has sites, or runs, stands in the way by name, and what is being removed takes nothing more", async () => {
  await addRepository(t.central, "kept");
  const build = await t.build("kept.one.test");
  await t.report(build, DeploymentState.BUILDING);
  const named = { githubOrg: "acme", githubRepo: "kept" };
  const sitesUrl = { environment: { name: "one", sitesUrl: "http://{host}:81" }, updateMask: { paths: ["sites_url"] } };
  expect(await reasonOf(t.operator.updateEnvironment(sitesUrl))).toBe("deployments_running");
  expect(await reasonOf(t.operator.deleteWorker({ id: "worker-one" }))).toBe("deployments_running");
  expect(await reasonOf(t.operator.deleteDeploymentConfig(named))).toBe("config_has_sites");
  await t.succeed(build);
  expect((await t.operator.deleteDeploymentConfig({ ...named, deleteSites: true })).sitesRemaining).toBe(1);
  expect(await reasonOf(t.operator.deploy(named))).toBe("config_deleting");
});

test("another repository's preview label is not taken over by a move, and its config stays as it was", async () => {
  await addRepository(t.central, "twin");
  await addRepository(t.central, "other");
  await t.central.pool.query("update environments set domain_suffixes = '{one.test,two.test}' where name = 'one'");
  await t.central.pool.query(
    "update deployment_config set domain = 'two.test', preview_label = 'twin' where github_repo = 'other'",
  );
  const move = { githubOrg: "acme", githubRepo: "other", domain: "one.test" };
  const call = t.operator.updateDeploymentConfig({ deploymentConfig: move, updateMask: { paths: ["domain"] } });
  expect(await reasonOf(call)).toBe("preview_label_taken");
  const { deploymentConfig } = await t.operator.getDeploymentConfig({ githubOrg: "acme", githubRepo: "other" });
  expect(deploymentConfig?.domain).toBe("two.test");
});

test("Plan names the preview label that Create gives where another repository has the best one, and a taken one as a problem", async () => {
  await addRepository(t.central, "both-names");
  await t.central.forge.createRepository({ owner: "acme", name: "both.names", files: { "index.html": "x" } });
  await t.central.forge.installApp({ owner: "acme", name: "both.names" });
  const deploymentConfig = {
    githubOrg: "acme",
    githubRepo: "both.names",
    environment: "one",
    domain: "one.test",
    subdomain: "dotted",
  };
  const plan = async (domain = "one.test") =>
    t.operator.planDeploymentConfig({ deploymentConfig: { ...deploymentConfig, domain } });
  const planned = await plan();
  expect(planned.problems).toEqual([]);
  expect(planned.previewUrl).toMatch(/\/pr-<n>-both-names-[0-9a-f]{6}\.one\.test$/);
  const created = await t.operator.createDeploymentConfig({ deploymentConfig });
  expect(planned.previewUrl).toBe(`https://pr-<n>-${created.deploymentConfig?.previewLabel}.one.test`);
  expect(await plan()).toMatchObject({ previewUrl: planned.previewUrl, problems: [] });
  await t.central.pool.query("update environments set domain_suffixes = '{one.test,two.test}' where name = 'one'");
  const take = "update deployment_config set domain = 'two.test', preview_label = $1 where github_repo = 'both-names'";
  await t.central.pool.query(take, [created.deploymentConfig?.previewLabel]);
  const moved = await plan("two.test");
  expect(moved.previewUrl).toBe("");
  expect(moved.problems).toMatchObject([{ field: "deployment_config.domain", reason: "preview_label_taken" }]);
});

test("Plan says so where no preview label is free", async () => {
  const { id } = await t.central.forge.createRepository({ owner: "acme", name: "none-free", files: { "index.html": "x" } });
  await t.central.forge.installApp({ owner: "acme", name: "none-free" });
  for (const [index, label] of previewLabelCandidates("none-free", BigInt(id)).entries()) {
    await addRepository(t.central, `holder-${index}`);
    const take = "update deployment_config set preview_label = $1 where github_repo = $2";
    await t.central.pool.query(take, [label, `holder-${index}`]);
  }
  const deploymentConfig = {
    githubOrg: "acme",
    githubRepo: "none-free",
    environment: "one",
    domain: "one.test",
    subdomain: "none",
  };
  expect(await reasonOf(t.operator.createDeploymentConfig({ deploymentConfig }))).toBe("preview_label_taken");
  const { previewUrl, problems } = await t.operator.planDeploymentConfig({ deploymentConfig });
  expect([previewUrl, problems.map(({ reason }) => reason)]).toEqual(["", ["preview_label_taken"]]);
});

test("build variables are bounded, and so are a worker's reports; it is said what is too much, and how long to wait where that helps", async () => {
  await addRepository(t.central, "bounded");
  const named = { githubOrg: "acme", githubRepo: "bounded" };
  const set = async (name: string) => t.operator.setBuildVariable({ ...named, variable: { name, value: "x".repeat(20_000) } });
  await set("ONE");
  const tooMany = await set("TWO").then(
    () => undefined,
    (caught: unknown) => ConnectError.from(caught),
  );
  expect([tooMany?.code, readReason(tooMany!)]).toEqual([Code.FailedPrecondition, "too_many_variables"]);
  expect(tooMany?.findDetails(RetryInfoSchema)).toEqual([]);
  const { reportStatus } = createCentralService({ pool: t.central.pool, log });
  const report = create(ReportStatusRequestSchema, { siteId: 9n, generation: 9n, deploymentId: 9n });
  const context = createHandlerContext({
    service: CentralService,
    method: CentralService.method.reportStatus,
    protocolName: "connect",
    requestMethod: "POST",
    url: t.central.url,
    contextValues: createContextValues().set(callerKey, { kind: "worker", worker: "worker-one" }),
  });
  const flood = Array.from({ length: 300 }, async () => reasonOf(Promise.resolve(reportStatus(report, context))));
  expect((await Promise.all(flood)).filter((reason) => reason === "rate_limited").length).toBeGreaterThan(50);
});
