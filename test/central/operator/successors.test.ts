import { afterAll, beforeAll, expect, test } from "vitest";
import { replaceLostDeployments } from "#central/reconcile/replace-lost-deployments.ts";
import { createLogger } from "#common/logger.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { type Actions, startActions } from "./start-actions.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** What is kept of where the newest deployment at a host came from. */
async function originOf(host: string) {
  const { rows } = await t.central.pool.query<object>(
    `select d.generation, d.traceparent, d.requested_by, d.from_release from deployment_history d join sites s on s.id = d.site_id
     where s.host = $1 order by d.generation desc limit 1`,
    [host],
  );
  return rows[0];
}

test.each(["lost", "handed back"])(
  "what replaces a deployment that was %s is of the same trace, token and release",
  async (how) => {
    const name = how.replace(" ", "-");
    const host = `${name}.one.test`;
    await addRepository(t.central, name);
    const first = await t.build(host);
    await t.succeed(first);
    await t.push(name, "two");
    const second = await t.build(host, first.generation);
    await t.succeed(second);
    await t.operator.rollback({ site: first.siteId });
    const back = await t.build(host, second.generation);
    expect(back.release).not.toBe("");
    await t.central.pool.query("update deployment_history set traceparent = $2 where id = $1", [back.deploymentId, traceparent]);
    if (how === "lost") {
      await t.central.pool.query("update deployment_history set lease_expires_at = now() - interval '1 s' where id = $1", [
        back.deploymentId,
      ]);
      await replaceLostDeployments({ pool: t.central.pool, log: createLogger({ name: "test", level: "silent" }) });
    } else await t.report(back, DeploymentState.CANCELED, { handedBack: true, url: "" });
    const again = await t.build(host, back.generation);
    expect(again.release).toBe(back.release);
    expect(await originOf(host)).toEqual({
      generation: again.generation,
      traceparent,
      requested_by: "operator",
      from_release: back.release,
    });
  },
);
