import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { selectApproved } from "#central/approval/sql/select-approved.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { insertSite } from "#central/deployment/sql/insert-site.ts";
import { queueHeld } from "#central/deployment/sql/queue-held.ts";
import { type ActionSite, lockActionSite } from "#central/deployment/sql/select-site-action.ts";
import { setPin } from "#central/deployment/sql/set-pin.ts";
import { startDeployment } from "#central/deployment/start-deployment.ts";
import { maxLooks, SiteBusyError } from "#central/intake/settle.ts";
import { type Config, lockConfig, selectConfig } from "#central/intake/sql/select-config.ts";
import { lockSite, selectSite } from "#central/intake/sql/select-site.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { DeployRequest } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { askGitHub } from "./ask-git-hub.ts";
import { auditDeployment } from "./audit-deployment.ts";
import { auditPin } from "./audit-pin.ts";
import { findWish, type Wish } from "./find-wish.ts";
import { configNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { refuseConfig } from "./refuse-config.ts";
import { selectNamedConfig } from "./sql/select-deployment-configs.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";

/** Deploys a ref without an event of GitHub; answers the deployment, made or there already. */
export async function deploy(o: OperatorContext, request: DeployRequest, actor: Actor): Promise<bigint> {
  const { githubOrg, githubRepo, pullRequest } = request;
  const named = await selectNamedConfig(o.pool, githubOrg, githubRepo, actor.environment);
  const config = named === undefined ? undefined : await selectConfig(o.pool, named.id);
  if (config === undefined) throw configNotFound(githubOrg, githubRepo);
  refuseConfig(config);
  const repository = `${githubOrg}/${githubRepo}`;
  return askGitHub(o.log, { repository, what: "what this ref is" }, async () => {
    for (let look = 0; look < maxLooks; look += 1) {
      const seenGeneration = (await selectSite(o.pool, config.id, pullRequest || undefined))?.generation ?? 0n;
      const wishFor = await findWish(o, config, request);
      const made = await withTransaction(o.pool, async (client) => {
        const locked = await lockConfig(client, config.id);
        if (locked === undefined) throw configNotFound(githubOrg, githubRepo);
        refuseConfig(locked);
        return apply(client, locked, wishFor(locked), { seenGeneration, actor });
      });
      if (made !== "moved") return made;
    }
    throw new SiteBusyError(`the site changed ${maxLooks} times while GitHub was asked`);
  });
}

async function apply(
  client: pg.ClientBase,
  config: Config,
  wish: Wish,
  o: { seenGeneration: bigint; actor: Actor },
): Promise<bigint | "moved"> {
  await insertSite(client, config, wish.site);
  const found = await lockSite(client, config.id, wish.site.kind === "preview" ? wish.site.pullRequest : undefined);
  const site = found === undefined ? undefined : await lockActionSite(client, found.id, undefined);
  if (site === undefined) {
    throw reasonError(Code.AlreadyExists, "host_taken", `the host ${wish.site.host} belongs to another repository`);
  }
  if (site.generation !== o.seenGeneration) return "moved";
  const held = wish.held && !(await selectApproved(client, site.id, wish.commit));
  const pin = wish.commit === wish.head ? null : wish.head;
  const written = { actor: o.actor, method: "Deploy", siteId: site.id };
  if (isThere(site, wish.commit)) {
    const releases = site.newest.state === "held" && !held;
    if (!releases && site.pinnedFrom === pin) return site.newest.id;
    await auditPin(client, written, async () => setPin(client, site.id, pin));
    if (releases) await release(client, site.id, { id: site.newest.id, actor: o.actor });
    return site.newest.id;
  }
  const requested = { ...wish, held, requestedBy: o.actor.name };
  const id = await auditPin(client, written, async () => startDeployment(client, site, requested));
  await auditDeployment(client, o.actor, "Deploy", id);
  return id;
}

async function release(client: pg.ClientBase, siteId: bigint, held: { id: bigint; actor: Actor }): Promise<void> {
  const before = await selectDeploymentRow(client, held.id);
  await queueHeld(client, siteId);
  await addJob(client, { task: "dispatch", siteId });
  await addJob(client, { task: "comment", siteId });
  await auditDeployment(client, held.actor, "Deploy", held.id, before);
}

/** Whether a commit is what the site has or is getting. One that failed, was canceled or lost is not: whoever asks for it wants it tried again. */
function isThere(site: ActionSite, commit: string): site is ActionSite & { newest: NonNullable<ActionSite["newest"]> } {
  const { newest } = site;
  if (newest === null || site.state !== "wanted" || newest.commit !== commit) return false;
  if (newest.state === "succeeded") return site.liveDeployment === newest.id;
  return ["held", "queued", "dispatched", "cloning", "building", "publishing"].includes(newest.state);
}
