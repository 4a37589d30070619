import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { claimDeliveries, claimSeconds } from "#central/intake/sql/claim-deliveries.ts";
import { finishDelivery } from "#central/intake/sql/finish-delivery.ts";
import { postponeDelivery } from "#central/intake/sql/postpone-delivery.ts";
import { renewClaims } from "#central/intake/sql/renew-claims.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query("delete from webhook_deliveries");
  await pool.query("insert into webhook_deliveries (guid, event, body) values ('one', 'push', '{}')");
});

async function claim() {
  const [claimed] = await claimDeliveries(pool, 8);
  if (claimed === undefined) throw new Error("nothing was due");
  return claimed;
}

/** Lets so much of the claim's time go by. */
const age = async (seconds: number) =>
  pool.query("update webhook_deliveries set next_attempt_at = next_attempt_at - make_interval(secs => $1)", [seconds]);

async function secondsLeft(): Promise<number> {
  const { rows } = await pool.query<{ left: number }>(
    "select extract(epoch from next_attempt_at - now())::float8 as left from webhook_deliveries",
  );
  return rows[0]!.left;
}

test("a claim that nobody renews ends, and what its holder still writes is nothing", async () => {
  const dead = await claim();
  await age(claimSeconds + 1);
  const next = await claim();
  expect(next).toMatchObject({ guid: "one", attempts: 2 });
  await renewClaims(pool, [dead]);
  expect(await finishDelivery(pool, dead, { state: "processed" })).toBe(false);
  expect(await finishDelivery(pool, next, { state: "processed" })).toBe(true);
});

test("a claim that is renewed goes on", async () => {
  const claimed = await claim();
  await age(claimSeconds - 1);
  await renewClaims(pool, [claimed]);
  expect(await secondsLeft()).toBeGreaterThan(claimSeconds - 10);
  expect(await claimDeliveries(pool, 8)).toEqual([]);
});

test("another's claim is not renewed", async () => {
  const claimed = await claim();
  await age(15);
  await renewClaims(pool, [{ ...claimed, attempts: 7 }]);
  expect(await secondsLeft()).toBeLessThan(claimSeconds - 10);
});

test("what was put off for longer stays put off", async () => {
  const claimed = await claim();
  await postponeDelivery(pool, claimed, { reason: "GitHub asked for silence", delayMs: 3_600_000 });
  await renewClaims(pool, [claimed]);
  expect(await secondsLeft()).toBeGreaterThan(3_000);
});
