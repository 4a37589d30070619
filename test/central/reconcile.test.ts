import { afterAll, beforeAll, expect, test } from "vitest";
import { addJob } from "#central/jobs/add-job.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "./support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

async function look(configId: bigint): Promise<void> {
  const client = await central.pool.connect();
  try {
    await addJob(client, { task: "look", configId });
  } finally {
    client.release();
  }
}

test("a new config's default branch and open pull requests are deployed, and what was missed is mended by a look", async () => {
  central.forge.setWebhookUrl(undefined);
  const { configId } = await addRepository(central, "missed");
  await eventually(async () => expect(await selectDeployments(central.pool, "missed.one.test")).toHaveLength(1));
  await central.forge.pushFiles({ owner: "acme", name: "missed", branch: "change", from: "main", files: { a: "1" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "missed", title: "x", head: "change", base: "main" });
  const host = `pr-${pull.number}-missed.one.test`;
  await look(configId);
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(0)?.commit).toBe(pull.headSha));
  await central.forge.closePullRequest({ owner: "acme", name: "missed", number: pull.number });
  await look(configId);
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toMatch(/removing|removed/));
});

test("a repository that was renamed is followed, and built under its new name", async () => {
  const { configId } = await addRepository(central, "before");
  await eventually(async () => expect(await selectDeployments(central.pool, "before.one.test")).toHaveLength(1));
  await central.forge.renameRepository({ owner: "acme", name: "before", to: "after" });
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "after", branch: "main", files: { b: "2" } });
  await look(configId);
  const build = await eventually(() => {
    const found = central.worker.builds.findLast((one) => one.commit === sha);
    if (found === undefined) throw new Error("not built yet");
    return found;
  });
  expect(build).toMatchObject({ repository: "acme/after", host: "before.one.test" });
});

test("a config that is deleted with its sites goes with the last of them", async () => {
  const { configId } = await addRepository(central, "leaving");
  const build = await eventually(() => {
    const found = central.worker.builds.findLast((one) => one.host === "leaving.one.test");
    if (found === undefined) throw new Error("not built yet");
    return found;
  });
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.SUCCEEDED,
    url: build.url,
    release: `${build.generation}-${build.commit.slice(0, 8)}`,
  });
  central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
  const { removeDeploymentConfig } = await import("#central/operator/remove-deployment-config.ts");
  await removeDeploymentConfig(central.pool, { githubOrg: "acme", githubRepo: "leaving", deleteSites: true });
  await eventually(async () => {
    expect((await central.pool.query("select from deployment_config where id = $1", [configId])).rowCount).toBe(0);
  });
  expect(await selectSiteState(central.pool, "leaving.one.test")).toBeUndefined();
});
