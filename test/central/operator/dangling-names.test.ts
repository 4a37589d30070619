import { afterAll, beforeAll, expect, test } from "vitest";
import { removeDeploymentConfig } from "#central/operator/remove-deployment-config.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, selectSiteState, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

test("O8 the name of a site that is being removed is nobody's until its worker says that the route is gone", async () => {
  await addRepository(central, "first");
  const host = "first.one.test";
  const build = await eventually(() => {
    const found = central.worker.builds.findLast((one) => one.host === host);
    if (found === undefined) throw new Error("not built yet");
    return found;
  });
  const { siteId, generation, deploymentId, url } = build;
  const release = `${generation}-${build.commit.slice(0, 8)}`;
  await central.worker.client.reportStatus({ siteId, generation, deploymentId, state: DeploymentState.SUCCEEDED, url, release });
  await removeDeploymentConfig(central.pool, { githubOrg: "acme", githubRepo: "first", deleteSites: true });
  const cleanup = await eventually(() => {
    const found = central.worker.cleanups.find((one) => one.siteId === siteId);
    if (found === undefined) throw new Error("no cleanup yet");
    return found;
  });
  // Another repository that wants the very name.
  const take = async (): Promise<unknown> =>
    central.pool.query(
      "insert into sites (config_id, repository_id, kind, host, generation, state) select id, repository_id, 'production', $1, 1, 'wanted' from deployment_config where github_repo = 'second'",
      [host],
    );
  await addRepository(central, "second");
  expect(await selectSiteState(central.pool, host)).toBe("removing");
  await expect(take()).rejects.toThrow(/unique/);
  await central.worker.client.reportStatus({ siteId, generation: cleanup.generation, siteRemoved: true });
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toBeUndefined());
});
