import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { addJob } from "#central/jobs/add-job.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterEach(() => central.forge.clearFaults());
afterAll(async () => central.stop());

const change = (name: string, a: string) => ({ owner: "acme", name, branch: "change", files: { a } });

async function open(name: string) {
  await central.forge.pushFiles({ ...change(name, "1"), from: "main" });
  const { number, headSha } = await central.forge.openPullRequest({ owner: "acme", name, head: "change" });
  return { number, headSha, host: `pr-${number}-${name}.one.test` };
}

async function openLive(name: string) {
  const pull = await open(name);
  await eventually(async () => expect(await selectDeployments(central.pool, pull.host)).toHaveLength(1));
  return pull;
}

test("a close that GitHub's reads do not show yet is looked at again, and the preview goes", async () => {
  const { configId } = await addRepository(central, "stale");
  const { host, number } = await openLive("stale");
  let reads = 0;
  const path = new RegExp(`/stale/pulls/${number}$`);
  const end = central.forge.setFault({ kind: "stale", method: "GET", path, onCall: () => (reads += 1) });
  // What is read here, open, is what the reads to come show.
  await withTransaction(central.pool, async (client) => addJob(client, { task: "look", configId, pullRequest: BigInt(number) }));
  await eventually(() => expect(reads).toBe(1));
  await central.forge.closePullRequest({ owner: "acme", name: "stale", number });
  await eventually(() => expect(reads).toBeGreaterThan(1));
  end();
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toMatch(/removing|removed/));
});

test("a pull request that GitHub's reads do not have yet is looked at again, and deployed", async () => {
  await addRepository(central, "late");
  let reads = 0;
  const path = /\/late\/pulls\/\d+$/;
  const end = central.forge.setFault({ kind: "answer", status: 404, method: "GET", path, onCall: () => (reads += 1) });
  const { host, headSha } = await open("late");
  await eventually(() => expect(reads).toBeGreaterThan(1));
  end();
  await eventually(async () => expect((await selectDeployments(central.pool, host))[0]?.commit).toBe(headSha));
});

test.each([403, 404])("a %i on the reading of a pull request that was pushed to takes no preview down", async (status) => {
  const name = `perm${status}`;
  await addRepository(central, name);
  const { host } = await openLive(name);
  let reads = 0;
  const end = central.forge.setFault({
    kind: "answer",
    status,
    message: "Resource not accessible by integration",
    method: "GET",
    path: new RegExp(`/${name}/pulls/\\d+$`),
    onCall: () => (reads += 1),
  });
  const { sha } = await central.forge.pushFiles(change(name, "2"));
  await eventually(() => expect(reads).toBeGreaterThan(1));
  end();
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.commit).toBe(sha));
  // Removed and made again it would have passed a generation of its own.
  expect((await selectDeployments(central.pool, host)).map(({ generation }) => generation)).toEqual([1n, 2n]);
  expect(central.worker.cleanups.filter((one) => one.host === host)).toEqual([]);
});

test("a 403 at every look takes no preview down either", async () => {
  const { configId } = await addRepository(central, "never");
  const { host, number } = await openLive("never");
  const job = `look:${configId}:${number}`;
  const end = central.forge.setFault({ kind: "answer", status: 403, method: "GET", path: /\/never\/pulls\/\d+$/ });
  await withTransaction(central.pool, async (client) => addJob(client, { task: "look", configId, pullRequest: BigInt(number) }));
  await eventually(async () => {
    const { rows } = await central.pool.query("select last_error as error from graphile_worker.jobs where key = $1", [job]);
    expect(rows).toEqual([{ error: expect.stringContaining("GitHub answered 403") }]);
  });
  end();
  expect(await selectSiteState(central.pool, host)).toBe("wanted");
});
