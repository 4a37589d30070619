import { afterAll, beforeAll, expect, test } from "vitest";
import { createWorkerClients } from "#central/dispatch/create-worker-clients.ts";
import { compareWorker } from "#central/reconcile/compare-worker.ts";
import { retryLostDeployments } from "#central/reconcile/retry-lost-deployments.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, selectDeployments, startTestCentral, type TestCentral } from "../support/start-test-central.ts";
import { log } from "../support/test-log.ts";

let central: TestCentral;
let deaf: Awaited<ReturnType<typeof loseHead>>;
let thrice: Awaited<ReturnType<typeof loseHead>>;
// Both at once: each loss waits for the next look for leases that ended.
beforeAll(async () => {
  central = await startTestCentral();
  [deaf, thrice] = await Promise.all([loseHead("deaf"), loseHead("thrice")]);
});
afterAll(async () => central.stop());

const releaseOf = ({ generation, commit }: BuildRequest) => `${generation}-${commit.slice(0, 8)}`;

/** Ends leases until so many deployments were lost. */
async function lose(host: string, from: number, to: number): Promise<void> {
  for (let lost = from; lost <= to; lost += 1) {
    await eventually(async () => {
      const newest = (await selectDeployments(central.pool, host)).at(-1);
      expect(newest?.state).toBe("dispatched");
      expect(central.worker.builds.findLast((one) => one.host === host)?.generation).toBe(newest?.generation);
    });
    await central.pool.query(
      `update deployment_history d set lease_expires_at = now() - interval '1 second' from sites s
       where s.id = d.site_id and s.host = $1 and d.lease_expires_at is not null`,
      [host],
    );
    await eventually(async () => {
      const states = (await selectDeployments(central.pool, host)).map(({ state }) => state);
      expect(states.filter((state) => state === "lost")).toHaveLength(lost);
    });
  }
}

/** A production site whose first commit is live, and whose second one was lost three times. */
async function loseHead(name: string) {
  await addRepository(central, name);
  const host = `${name}.one.test`;
  const builds = () => central.worker.builds.filter((one) => one.host === host);
  await eventually(() => expect(builds()).toHaveLength(1));
  const first = builds()[0]!;
  const { siteId, generation, deploymentId, url } = first;
  const done = { siteId, generation, deploymentId, url, state: DeploymentState.SUCCEEDED, release: releaseOf(first) };
  await central.worker.client.reportStatus(done);
  const { sha } = await central.forge.pushFiles({ owner: "acme", name, branch: "main", files: { a: "2" } });
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.commit).toBe(sha));
  await lose(host, 1, 3);
  return { host, first, last: builds().at(-1)!, sha };
}

test("a head that was lost three times but is live at its worker is deployed again once, and never what was live before it", async () => {
  const { host, first, last, sha } = deaf;
  const workers = createWorkerClients({ pool: central.pool, secretKey: central.secretKey, ca: undefined });
  const compare = async (liveRelease: string) => {
    const { siteId, generation } = last;
    central.worker.behaviour.sites = () => [{ siteId, generation, host, liveRelease, liveGeneration: generation }];
    await compareWorker({ pool: central.pool, workers, log }, { id: central.worker.id, endpoint: central.worker.url });
  };
  // Neither what was live, nor anything unknown, brings the older commit back.
  await compare(releaseOf(first));
  await compare("");
  await compare("1-ffffffff");
  expect(await selectDeployments(central.pool, host)).toHaveLength(4);
  await compare(releaseOf(last));
  const commits = (await selectDeployments(central.pool, host)).map(({ commit }) => commit);
  expect(commits).toEqual([first.commit, sha, sha, sha, sha]);
  // Its worker is not heard this time either: what it serves is the newest commit all the same.
  await lose(host, 4, 4);
  for (let looks = 0; looks < 3; looks += 1) await compare(releaseOf(last));
  expect(await selectDeployments(central.pool, host)).toHaveLength(5);
  central.worker.behaviour.sites = undefined;
  workers.close();
});

test("a head that was lost three times is tried again after ten minutes, and after each further loss twice as late", async () => {
  const { host, sha } = thrice;
  const retryAfter = async (minutes: number) => {
    await central.pool.query(
      `update deployment_history d set finished_at = now() - make_interval(mins => $2) from sites s
       where s.id = d.site_id and s.host = $1 and d.state = 'lost'`,
      [host, minutes],
    );
    await retryLostDeployments({ pool: central.pool, log });
    return (await selectDeployments(central.pool, host)).length;
  };
  expect(await retryAfter(9)).toBe(4);
  expect(await retryAfter(11)).toBe(5);
  expect((await selectDeployments(central.pool, host)).at(-1)?.commit).toBe(sha);
  await lose(host, 4, 4);
  expect(await retryAfter(19)).toBe(5);
  expect(await retryAfter(21)).toBe(6);
});
