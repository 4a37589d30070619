import { afterAll, beforeAll, expect, test } from "vitest";
import { addRepository, selectDeployments } from "#test/central/support/start-test-central.ts";
import { type Actions, reasonOf, startActions } from "./start-actions.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

test("a site that changes each time while GitHub is asked is told of as busy, and nothing is stored", async () => {
  await addRepository(t.central, "busy");
  await t.succeed(await t.build("busy.one.test"));
  const before = await selectDeployments(t.central.pool, "busy.one.test");
  const changes: Promise<unknown>[] = [];
  const end = t.central.forge.setFault({
    kind: "delay",
    ms: 200,
    path: /^\/repos\/acme\/busy\//,
    onCall: () => changes.push(t.central.pool.query("update sites set generation = generation + 1 where host = 'busy.one.test'")),
  });
  expect(await reasonOf(t.operator.deploy({ githubOrg: "acme", githubRepo: "busy", ref: "main" }))).toBe("site_busy");
  end();
  await Promise.all(changes);
  expect(changes.length).toBeGreaterThanOrEqual(5);
  expect(await selectDeployments(t.central.pool, "busy.one.test")).toEqual(before);
});
