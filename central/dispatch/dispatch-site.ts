import { traced } from "#common/telemetry/traced.ts";
import { dispatchBuild } from "./dispatch-build.ts";
import { dispatchCleanup } from "./dispatch-cleanup.ts";
import type { DispatchContext } from "./dispatch-context.ts";
import { selectWork } from "./sql/select-work.ts";

/**
 * Hands what a site needs now to its worker: its newest deployment, or its removal. It may run at any time, twice, or at once with itself: each
 * step is guarded by the state it comes from. `again`: the queue runs this job once more after a crash.
 */
export async function dispatchSite(o: DispatchContext, siteId: bigint, job: { attempt: number; again: boolean }): Promise<void> {
  const work = await selectWork(o.pool, siteId);
  if (work === undefined) return;
  const log = o.log.child({ site: siteId.toString(), generation: work.generation.toString() });
  if (work.siteState === "removing") await dispatchCleanup({ ...o, log }, work, job.attempt);
  else if (work.siteState === "wanted" && work.deployment !== null) {
    const { deployment } = work;
    const deploymentId = deployment.id.toString();
    const attributes = { "catapult.deployment": deploymentId, "catapult.site": siteId.toString() };
    await traced("dispatch", { parent: deployment.traceparent, attributes }, async () =>
      dispatchBuild({ ...o, log: log.child({ deployment: deploymentId }) }, { ...work, deployment }, job),
    );
  }
}
