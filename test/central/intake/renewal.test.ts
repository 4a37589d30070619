import { afterAll, beforeAll, expect, test } from "vitest";
import { claimSeconds } from "#central/intake/sql/claim-deliveries.ts";
import { selectLookedAt } from "#central/reconcile/sql/select-looked-at.ts";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral({ worker: false });
});
afterAll(async () => central.stop());

test("the claim of a delivery is renewed for as long as GitHub lets it wait, and no replica takes it up a second time", async () => {
  const { configId } = await addRepository(central, "slow");
  // The look that a new config gets may read the pull request first, and be the one that waits.
  await eventually(async () => expect(await selectLookedAt(central.pool, configId)).toBe(true));
  let reads = 0;
  const path = /\/slow\/pulls\/\d+$/;
  // Below the 10 s after which Central gives a call up.
  central.forge.setFault({ kind: "delay", ms: 9_000, method: "GET", path, times: 1, onCall: () => (reads += 1) });
  await central.forge.pushFiles({ owner: "acme", name: "slow", branch: "change", from: "main", files: { a: "1" } });
  await central.forge.openPullRequest({ owner: "acme", name: "slow", head: "change" });
  await eventually(() => expect(reads).toBe(1));
  // As if it had been worked on for almost as long as a claim holds.
  const { rows } = await central.pool.query<{ guid: string }>(
    `update webhook_deliveries set next_attempt_at = now() + interval '8 seconds'
     where event = 'pull_request' and state = 'received' returning guid`,
  );
  expect(rows).toHaveLength(1);
  const read = async () =>
    (
      await central.pool.query<{ left: number; attempts: number; state: string }>(
        `select extract(epoch from next_attempt_at - now())::float8 as left, attempts, state from webhook_deliveries where guid = $1`,
        [rows[0]!.guid],
      )
    ).rows[0]!;
  await eventually(async () => expect((await read()).left).toBeGreaterThan(claimSeconds - 5), 15_000);
  await eventually(async () => expect(await read()).toMatchObject({ state: "processed", attempts: 1 }), 30_000);
});
