import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterEach(() => central.forge.clearFaults());
afterAll(async () => central.stop());

async function openPullRequest(name: string) {
  await central.forge.pushFiles({ owner: "acme", name, branch: "change", from: "main", files: { a: "1" } });
  const { number } = await central.forge.openPullRequest({ owner: "acme", name, head: "change" });
  const comments = async () => central.forge.comments({ owner: "acme", name, number });
  return { host: `pr-${number}-${name}.one.test`, comments };
}

async function succeed(host: string): Promise<bigint> {
  const build = await eventually(() => {
    const found = central.worker.builds.find((one) => one.host === host);
    if (found === undefined) throw new Error("not built yet");
    return found;
  });
  const { siteId, generation, deploymentId, url, commit } = build;
  const release = `${generation}-${commit.slice(0, 8)}`;
  await central.worker.client.reportStatus({
    siteId,
    generation,
    deploymentId,
    state: DeploymentState.SUCCEEDED,
    url,
    release,
  });
  return siteId;
}

/** In how many seconds the comment is looked at afresh. */
async function againIn(siteId: bigint): Promise<number | undefined> {
  const { rows } = await central.pool.query<{ left: number }>(
    "select extract(epoch from run_at - now())::float8 as left from graphile_worker.jobs where key = 'comment-again:' || $1::bigint",
    [siteId],
  );
  return rows[0]?.left;
}

async function lookAgainNow(siteId: bigint): Promise<void> {
  await central.pool.query(
    `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs where key = 'comment-again:' || $1::bigint), now())`,
    [siteId],
  );
}

test("a refusal of the last edit passes: the comment is tried again after growing pauses, and a repeated look waits for them", async () => {
  await addRepository(central, "refused");
  const { host, comments } = await openPullRequest("refused");
  await eventually(async () => expect(await comments()).toHaveLength(1));
  const edits = { method: "PATCH", path: /\/issues\/comments\/\d+$/ };
  const end = central.forge.setFault({ kind: "answer", status: 422, message: "was submitted too quickly", ...edits });
  const siteId = await succeed(host);
  const pauseOf = async (seconds: number) =>
    eventually(async () => {
      const left = (await againIn(siteId)) ?? 0;
      expect(left).toBeGreaterThan(seconds / 2);
      expect(left).toBeLessThanOrEqual(seconds);
    });
  await pauseOf(60);
  await withTransaction(central.pool, async (client) => addJob(client, { task: "comment", siteId }));
  await eventually(async () => {
    const { rowCount } = await central.pool.query("select from graphile_worker.jobs where key = 'comment:' || $1::bigint", [
      siteId,
    ]);
    expect(rowCount).toBe(0);
  });
  await pauseOf(60);
  await lookAgainNow(siteId);
  await pauseOf(600);
  await lookAgainNow(siteId);
  await pauseOf(3_600);
  end();
  await lookAgainNow(siteId);
  await eventually(async () => expect((await comments())[0]?.body).toContain("**Ready:**"));
  // Written once more: the edits that were refused have no end on record.
  await pauseOf(30);
  await lookAgainNow(siteId);
  await eventually(async () => expect(await againIn(siteId)).toBeUndefined());
  const { rows } = await central.pool.query("select comment_refusal from sites where id = $1", [siteId]);
  expect(rows).toEqual([{ comment_refusal: null }]);
});

test("a second comment, made because the list did not show the one whose answer was lost, is deleted later", async () => {
  await addRepository(central, "double");
  const path = /\/double\/issues\/\d+\/comments$/;
  const end = central.forge.setFault({ kind: "stale", method: "GET", path });
  central.forge.setFault({ kind: "drop-answer", method: "POST", path, times: 1 });
  const { host, comments } = await openPullRequest("double");
  await eventually(async () => expect(await comments()).toHaveLength(2));
  end();
  const siteId = await succeed(host);
  await eventually(async () => expect((await comments()).filter(({ body }) => body.includes("**Ready:**"))).toHaveLength(1));
  await lookAgainNow(siteId);
  await eventually(async () => expect(await comments()).toHaveLength(1));
  const { rows } = await central.pool.query<{ id: bigint }>("select comment_id as id from sites where id = $1", [siteId]);
  const [left] = await comments();
  expect(BigInt(left!.id)).toBe(rows[0]!.id);
  expect(left!.body).toContain("**Ready:**");
});
