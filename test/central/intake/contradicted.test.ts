import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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
import { deliver } from "../approval/held-fork.ts";

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

/** Waits for what a next look brings. The looks' pauses, of 2, 5 and 15 s, are not waited for. */
async function afterLooks(attempt: () => Promise<void> | void): Promise<void> {
  await eventually(async () => {
    await central.pool.query(
      `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs
         where key like 'look:%' and run_at between now() and now() + interval '15 s'), now())`,
    );
    // A claim holds for longer, and is left alone.
    await central.pool.query(
      `update webhook_deliveries set next_attempt_at = now()
       where state = 'received' and reason is not null and next_attempt_at between now() and now() + interval '15 s'`,
    );
    await attempt();
  });
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
  await afterLooks(() => expect(reads).toBeGreaterThan(1));
  end();
  await afterLooks(async () => expect(await selectSiteState(central.pool, host)).toMatch(/removing|removed/));
});

test("a pull request that GitHub's reads do not have yet is looked at again, and deployed", async () => {
  await addRepository(central, "late");
  let reads = 0;
  const path = /\/late\/pulls\/\d+$/;
  const end = central.forge.setFault({ kind: "answer", status: 404, method: "GET", path, onCall: () => (reads += 1) });
  const { host, headSha } = await open("late");
  await afterLooks(() => expect(reads).toBeGreaterThan(1));
  end();
  await afterLooks(async () => expect((await selectDeployments(central.pool, host))[0]?.commit).toBe(headSha));
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
  await afterLooks(() => expect(reads).toBeGreaterThan(1));
  end();
  await afterLooks(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.commit).toBe(sha));
  // Removed and made again it would have passed a generation of its own.
  expect((await selectDeployments(central.pool, host)).map(({ generation }) => generation)).toEqual([1n, 2n]);
  expect(central.worker.cleanups.filter((one) => one.host === host)).toEqual([]);
});

describe("an older state that a late delivery and a lagging read agree on is live for a moment only:", () => {
  const url = () => `${central.url}/webhook/github`;
  afterEach(() => central.forge.setWebhookUrl(url()));

  /** Reads of the pull request give what they give now, while `lagging` is set. */
  async function holdReads(name: string, number: number) {
    const state = { lagging: true };
    const path = new RegExp(`/${name}/pulls/${number}$`);
    central.forge.setFault({
      kind: "stale",
      method: "GET",
      path: Object.assign(new RegExp(path), { test: (text: string) => state.lagging && path.test(text) }),
    });
    const { token } = await central.forge.createUser({ login: "ann" });
    await central.forge.addCollaborator({ owner: "acme", name, login: "ann", permission: "write" });
    const read = await fetch(`${central.forge.apiUrl}/repos/acme/${name}/pulls/${number}`, {
      headers: { authorization: `token ${token}` },
    });
    expect(read.status).toBe(200);
    state.lagging = false;
    return state;
  }

  const hint = (id: number, number: number, action: string, sha: string) => ({
    action,
    number,
    repository: { id },
    pull_request: { state: action === "closed" ? "closed" : "open", head: { sha } },
  });
  const commits = async (host: string) => (await selectDeployments(central.pool, host)).map(({ commit }) => commit);

  test("an older commit", async () => {
    const { id, configId } = await addRepository(central, "older");
    // The new config's own look would show the first commit before the second one's delivery comes.
    await eventually(async () => {
      const looks = "select from graphile_worker.jobs where key like 'look:' || $1::bigint || '%'";
      expect((await central.pool.query(looks, [configId])).rowCount).toBe(0);
    });
    central.forge.setWebhookUrl(undefined);
    const { number, headSha, host } = await open("older");
    const reads = await holdReads("older", number);
    const { sha } = await central.forge.pushFiles(change("older", "2"));
    await deliver(central, "pull_request", hint(id, number, "synchronize", sha));
    await eventually(async () => expect(await commits(host)).toEqual([sha]));
    reads.lagging = true;
    await deliver(central, "pull_request", hint(id, number, "synchronize", headSha));
    await eventually(async () => expect(await commits(host)).toEqual([sha, headSha]));
    reads.lagging = false;
    await afterLooks(async () => expect(await commits(host)).toEqual([sha, headSha, sha]));
  });

  test("an open pull request that is closed by now, found by a comparison", async () => {
    const { id, configId } = await addRepository(central, "revived");
    const { number, headSha, host } = await openLive("revived");
    const reads = await holdReads("revived", number);
    central.forge.setWebhookUrl(undefined);
    await central.forge.closePullRequest({ owner: "acme", name: "revived", number });
    await deliver(central, "pull_request", hint(id, number, "closed", headSha));
    await eventually(async () => expect(await selectSiteState(central.pool, host)).toMatch(/remov/));
    reads.lagging = true;
    const job = { task: "look" as const, configId, pullRequest: BigInt(number) };
    await withTransaction(central.pool, async (client) => addJob(client, job));
    await eventually(async () => expect(await commits(host)).toEqual([headSha, headSha]));
    reads.lagging = false;
    await afterLooks(async () => expect(await selectSiteState(central.pool, host)).toMatch(/remov/));
  });
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
