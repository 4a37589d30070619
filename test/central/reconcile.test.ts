import { afterAll, beforeAll, expect, test } from "vitest";
import { withTransaction } from "#central/database/with-transaction.ts";
import { raiseGeneration } from "#central/deployment/sql/raise-generation.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { readFigures } from "#central/reconcile/read-figures.ts";
import { claimConfigs } from "#central/reconcile/sql/claim-configs.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { dropLaterLooks } from "#test/central/support/drop-later-looks.ts";
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

test("a rollback's pin holds while GitHub's head is what was rolled back from, and any other head ends it", async () => {
  const { configId } = await addRepository(central, "pinned");
  const host = "pinned.one.test";
  const commits = async () => (await selectDeployments(central.pool, host)).map(({ commit }) => commit);
  await eventually(async () => expect(await commits()).toHaveLength(1));
  central.forge.setWebhookUrl(`${central.url}/webhook/github`);
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "pinned", branch: "main", files: { a: "1" } });
  await eventually(async () => expect(await commits()).toHaveLength(2));
  const [first] = await commits();
  // What a rollback does: the older commit under a new generation, and the pin.
  await withTransaction(central.pool, async (client) => {
    const { rows } = await client.query<{ id: bigint; generation: bigint }>("select id from sites where host = $1 for update", [
      host,
    ]);
    const siteId = rows[0]!.id;
    const generation = await raiseGeneration(client, siteId, "wanted");
    await client.query("update sites set pinned_from = $2 where id = $1", [siteId, sha]);
    await client.query(
      "insert into deployment_history (site_id, generation, commit_sha, branch, state) values ($1, $2, $3, 'main', 'queued')",
      [siteId, generation, first],
    );
  });
  const before = await repairsOf("commit_missed");
  await look(configId);
  const delivery = (await central.forge.deliveries()).findLast((one) => one.event === "push");
  await central.pool.query("delete from webhook_deliveries where guid = $1", [delivery?.guid]);
  await central.forge.redeliver(delivery?.id ?? 0);
  await eventually(async () => {
    const { rows } = await central.pool.query("select state, reason from webhook_deliveries where guid = $1", [delivery?.guid]);
    expect(rows).toEqual([{ state: "processed", reason: "a rollback from this commit pins the site" }]);
  });
  await quiet();
  expect(await commits()).toEqual([first, sha, first]);
  expect(await repairsOf("commit_missed")).toBe(before);
  const newer = await central.forge.pushFiles({ owner: "acme", name: "pinned", branch: "main", files: { a: "2" } });
  await eventually(async () => expect(await commits()).toEqual([first, sha, first, newer.sha]));
  expect((await central.pool.query("select pinned_from from sites where host = $1", [host])).rows).toEqual([
    { pinned_from: null },
  ]);
});

test("an evicted preview is left alone by a look, says so in its comment, and comes back with the next push", async () => {
  const { configId } = await addRepository(central, "evicted");
  await central.forge.pushFiles({ owner: "acme", name: "evicted", branch: "change", from: "main", files: { a: "1" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "evicted", head: "change" });
  const host = `pr-${pull.number}-evicted.one.test`;
  await eventually(async () => expect(await selectDeployments(central.pool, host)).toHaveLength(1));
  await central.pool.query("update sites set state = 'evicted', generation = generation + 1 where host = $1", [host]);
  await look(configId);
  await eventually(async () => {
    const [comment] = await central.forge.comments({ owner: "acme", name: "evicted", number: pull.number });
    expect(comment?.body).toMatch(/Preview removed to make room on the server.*next push.*reopening/s);
  });
  await quiet();
  expect(await selectSiteState(central.pool, host)).toBe("evicted");
  await central.forge.pushFiles({ owner: "acme", name: "evicted", branch: "change", files: { a: "2" } });
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("wanted"));
});

test("a delivery that keeps failing ends dead with its reason, in sight, and is taken up again when GitHub redelivers it", async () => {
  await addRepository(central, "dead");
  await eventually(async () => expect(await selectDeployments(central.pool, "dead.one.test")).toHaveLength(1));
  const end = central.forge.setFault({ kind: "answer", method: "GET", path: /\/repos\/acme\/dead/, status: 500 });
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "dead", branch: "main", files: { a: "1" } });
  const guid = await eventually(async () => {
    const found = (await central.forge.deliveries()).find((one) => one.event === "push" && one.body.includes(sha));
    const { rowCount } = await central.pool.query("select from webhook_deliveries where guid = $1 and attempts > 0", [
      found?.guid,
    ]);
    expect(rowCount).toBe(1);
    return found!.guid;
  });
  await central.pool.query("update webhook_deliveries set attempts = 149, next_attempt_at = now() where guid = $1", [guid]);
  const state = async () => {
    const { rows } = await central.pool.query<{ state: string; reason: string | null }>(
      "select state, reason from webhook_deliveries where guid = $1",
      [guid],
    );
    return rows[0];
  };
  await eventually(async () =>
    expect(await state()).toMatchObject({ state: "dead", reason: expect.stringContaining("GitHub answered 500") }),
  );
  const figures = await readFigures(central.pool);
  expect(figures.deliveries.find((one) => one.state === "dead")?.count).toBe(1);
  end();
  const delivery = (await central.forge.deliveries()).findLast((one) => one.guid === guid);
  await central.forge.redeliver(delivery?.id ?? 0);
  await eventually(async () => expect(await state()).toMatchObject({ state: "processed" }));
});

test("a delivery that nobody ever ended is given up too, in case it ends whoever takes it up", async () => {
  await central.pool.query(
    `insert into webhook_deliveries (guid, event, body, attempts) values ('endless', 'pull_request', '{}', 150)`,
  );
  await eventually(async () => {
    const { rows } = await central.pool.query("select state, reason from webhook_deliveries where guid = 'endless'");
    expect(rows).toEqual([{ state: "dead", reason: "the delivery was taken up 151 times and never ended" }]);
  });
});

test("configs are taken for a look once in an interval by any number of replicas, so many of an installation at a time", async () => {
  await central.pool.query("update deployment_config set looked_at = now() - interval '1 hour'");
  const { rowCount } = await central.pool.query("select from deployment_config");
  const taken: bigint[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const claimed = await Promise.all(
      [0, 1, 2].map(async () =>
        withTransaction(central.pool, async (client) => claimConfigs(client, { everySeconds: 60, perInstallation: 2 })),
      ),
    );
    expect(claimed.flat().length).toBeLessThanOrEqual(6);
    taken.push(...claimed.flat());
  }
  expect(new Set(taken).size).toBe(taken.length);
  expect(taken).toHaveLength(rowCount ?? 0);
});

async function quiet(): Promise<void> {
  await eventually(async () => {
    await dropLaterLooks(central.pool);
    const { rows } = await central.pool.query(
      "select task_identifier from graphile_worker.jobs where task_identifier in ('look', 'comment')",
    );
    expect(rows).toEqual([]);
  }, 15_000);
}

async function repairsOf(kind: string): Promise<number> {
  const { rows } = await central.pool.query<{ count: bigint }>("select count from repairs where kind = $1", [kind]);
  return Number(rows[0]?.count ?? 0n);
}
