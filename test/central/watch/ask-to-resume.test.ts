import { afterAll, beforeAll, expect, test } from "vitest";
import { createToken } from "#central/operator/tokens.ts";
import { createCatapultClient } from "#client/create-catapult-client.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { type Actions, reasonOf, startActions } from "#test/central/operator/start-actions.ts";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { eventually } from "#test/support/eventually.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

test("a database that does not answer for a while is no end: who watches is asked to resume, and the client goes on behind its last line", async () => {
  await addRepository(t.central, "hiccup");
  const build = await t.build("hiccup.one.test");
  const id = build.deploymentId;
  const { pool } = t.central;
  await t.report(build, DeploymentState.BUILDING, { firstLogLine: 1n, logLines: ["one", "two"] });
  const token = await createToken(pool, { name: "resumes", scope: "read", environment: undefined });
  const client = createCatapultClient({ url: t.central.url, token });
  const lines: string[] = [];
  const follow = async () => {
    for await (const event of client.watch(id)) lines.push(...event.lines.map(({ text }) => text));
  };
  const following = follow();
  const open = t.operator.watchDeployment({ id })[Symbol.asyncIterator]();
  await open.next();
  await eventually(() => expect(lines).toEqual(["one", "two"]));
  await pool.query("alter table deployment_log_lines rename to out_of_reach");
  try {
    await pool.query("select pg_notify('catapult_deployment', $1)", [String(id)]);
    expect(await reasonOf(open.next())).toBe("unavailable");
    expect(await reasonOf(t.operator.watchDeployment({ id })[Symbol.asyncIterator]().next())).toBe("unavailable");
  } finally {
    await pool.query("alter table out_of_reach rename to deployment_log_lines");
  }
  await t.report(build, DeploymentState.BUILDING, { firstLogLine: 3n, logLines: ["three"] });
  await t.succeed(build);
  await following;
  expect(lines).toEqual(["one", "two", "three"]);
  client.close();
});
