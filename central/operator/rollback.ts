import { Code, type ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { type FoundRelease, selectReleaseBefore, selectReleaseOf } from "#central/deployment/sql/select-release.ts";
import { type ActionSite, lockActionSite } from "#central/deployment/sql/select-site-action.ts";
import { startDeployment } from "#central/deployment/start-deployment.ts";
import type { WorkerClients } from "#central/dispatch/create-worker-clients.ts";
import type { Logger } from "#common/logger.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { RollbackRequestSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { auditDeployment } from "./audit-deployment.ts";
import { auditPin } from "./audit-pin.ts";
import { deploymentNotFound, siteNotFound } from "./not-found.ts";
import { refuseLeaving } from "./redeploy.ts";
import { refuseDeleting } from "./refuse-config.ts";
import type { DeploymentRow, SiteRow } from "./rows.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";
import { selectSiteRow } from "./sql/select-sites.ts";
import { selectWorker } from "./sql/select-workers.ts";
import { fieldError } from "./violation.ts";

type Context = { pool: pg.Pool; workers?: WorkerClients; log: Logger };
type Asked = { site: bigint; deployment: bigint };

/** Makes an earlier release live again under a new generation, and pins the site to it. */
export async function rollback(o: Context, asked: Asked, actor: Actor): Promise<DeploymentRow> {
  await refuseMissing(o, asked, actor);
  return withTransaction(o.pool, async (client) => {
    const site = await lockActionSite(client, asked.site, actor.environment);
    if (site === undefined) throw siteNotFound(String(asked.site));
    refuseDeleting(site);
    refuseLeaving(site);
    const again = await findRepeat(client, site, asked);
    if (again !== undefined) return again;
    const target = await findRelease(client, asked);
    if (target === undefined || site.state !== "wanted") throw releaseGone(asked);
    if (site.workerId === null || site.workerId !== site.enabledWorkerId) {
      throw releaseGone(asked, "the environment's enabled worker does not have the site's releases");
    }
    const wish = {
      commit: target.commit,
      branch: target.branch,
      trust: target.trust,
      held: false,
      head: site.pinnedFrom ?? site.newest?.commit ?? target.commit,
      requestedBy: actor.name,
      fromRelease: target.release,
    };
    const written = { actor, method: "Rollback", siteId: site.id };
    const made = await auditPin(client, written, async () => startDeployment(client, site, wish));
    return auditDeployment(client, actor, "Rollback", made);
  });
}

async function findRelease(client: pg.ClientBase | pg.Pool, asked: Asked): Promise<FoundRelease | undefined> {
  return asked.deployment === 0n
    ? selectReleaseBefore(client, asked.site)
    : selectReleaseOf(client, asked.site, asked.deployment);
}

/** The rollback that was asked for already: a repeat, after an answer that was lost say, must not go back one further. */
async function findRepeat(client: pg.ClientBase, site: ActionSite, asked: Asked): Promise<DeploymentRow | undefined> {
  const { newest } = site;
  if (newest === null || site.state !== "wanted" || newest.fromRelease === null) return undefined;
  if (["failed", "canceled", "superseded", "lost"].includes(newest.state)) return undefined;
  if (asked.deployment !== 0n) {
    const target = await findRelease(client, asked);
    if (target?.release !== newest.fromRelease) return undefined;
  }
  return selectDeploymentRow(client, newest.id);
}

/**
 * Only the worker knows which releases it still has. One that cannot be reached now is not waited for: what it then lacks, the deployment fails with.
 */
async function refuseMissing(o: Context, asked: Asked, actor: Actor): Promise<void> {
  const site = await selectSiteRow(o.pool, { id: asked.site }, actor.environment);
  if (site === undefined) throw siteNotFound(String(asked.site));
  if (asked.deployment !== 0n) {
    const named = await selectDeploymentRow(o.pool, asked.deployment, actor.environment);
    if (named === undefined) throw deploymentNotFound(asked.deployment);
    if (named.site_id !== site.id) throw otherSite(named, site);
  }
  const target = await findRelease(o.pool, asked);
  const worker = site.worker_id === null ? undefined : await selectWorker(o.pool, site.worker_id, undefined);
  if (target === undefined || worker === undefined || o.workers === undefined) return;
  const releases = await listReleases(o.workers, worker, asked.site).catch((err: unknown) => {
    o.log.warn({ err, worker: worker.id }, "a worker did not say which releases it has");
    return undefined;
  });
  if (releases !== undefined && !releases.includes(target.release)) throw releaseGone(asked);
}

function otherSite(named: DeploymentRow, site: SiteRow): ConnectError {
  const message = `deployment ${named.id} is one of ${named.host} (site ${named.site_id}), not of ${site.host} (site ${site.id})`;
  return fieldError(Code.InvalidArgument, RollbackRequestSchema, [{ field: "deployment", message }]);
}

/** undefined: the worker does not know the site. */
async function listReleases(
  workers: WorkerClients,
  worker: { id: string; endpoint: string },
  siteId: bigint,
): Promise<string[] | undefined> {
  const { sites } = await workers.get(worker).listSites({ afterSiteId: siteId - 1n, pageSize: 1 });
  return sites.find((site) => site.siteId === siteId)?.releases;
}

function releaseGone(asked: Asked, why?: string): ConnectError {
  const what = asked.deployment === 0n ? "a release from before the live one" : `the release of deployment ${asked.deployment}`;
  const message = `the site ${asked.site} does not have ${what} any more${why === undefined ? "" : `: ${why}`}`;
  return reasonError(Code.FailedPrecondition, "release_gone", message);
}
