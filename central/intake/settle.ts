import type { ClientBase, Pool } from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { type Decision, decideBranch, decidePullRequest } from "#central/decision/decide.ts";
import { type Applied, deployCommit } from "#central/deployment/deploy-commit.ts";
import { removeSite } from "#central/deployment/remove-site.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { failpoint } from "#common/failpoint.ts";
import { lookAtDefaultBranch, lookAtPullRequest } from "./look-at-github.ts";
import { type Config, lockConfig } from "./sql/select-config.ts";
import { lockSite, selectSite } from "./sql/select-site.ts";
import { takePin } from "./sql/take-pin.ts";

export type Settled = {
  result: "changed" | "unchanged" | "ignored" | "rejected";
  reason: string | undefined;
  commit: string | undefined;
  /** What GitHub's state asks for, whether it was there already or not. */
  wanted: Decision["do"];
  /** It took the place of a change so recent that what was read may be older than that: only a later look can tell. */
  replacesRecent: boolean;
};

/** Undoes what was applied: a claim was lost, so another replica does the same work. */
export class ClaimLostError extends Error {
  override name = "ClaimLostError";
}

export class SiteBusyError extends Error {
  override name = "SiteBusyError";
}

export const maxLooks = 5;

/**
 * Brings one site to what GitHub shows now: looks, decides, applies. `finish` runs in the transaction that applies, so that a delivery ends
 * with its effects or not at all. A site that another replica changed since the look is looked at again.
 */
export async function settle(
  o: { pool: Pool; github: GitHub },
  subject: { config: Config; pullRequest: bigint | undefined; deliveryGuid?: string | undefined },
  finish: (client: ClientBase, settled: Settled) => Promise<void>,
): Promise<Settled> {
  for (let look = 0; look < maxLooks; look += 1) {
    const before = await selectSite(o.pool, subject.config.id, subject.pullRequest);
    const seenGeneration = before?.generation ?? 0n;
    const seen = await lookAndBind(o, subject);
    if (subject.deliveryGuid !== undefined) await failpoint("intake.after-look");
    const settled = await withTransaction(o.pool, async (client) => {
      const config = await lockConfig(client, subject.config.id);
      const decision: Decision = config === undefined ? { do: "ignore", reason: "the deployment config is gone" } : seen(config);
      const applied = await apply(client, subject.config, decision, { ...subject, seenGeneration });
      if (applied === "moved") return undefined;
      const outcome = { ...describe(decision, applied), replacesRecent: applied === "applied" && before?.recent === true };
      await finish(client, outcome);
      return outcome;
    });
    if (settled !== undefined) return settled;
  }
  throw new SiteBusyError(`the site changed ${maxLooks} times while GitHub was asked`);
}

/** Asks GitHub outside the transaction; the decision itself is made under the config's lock. */
async function lookAndBind(
  o: { pool: Pool; github: GitHub },
  subject: { config: Config; pullRequest: bigint | undefined },
): Promise<(config: Config) => Decision> {
  if (subject.pullRequest === undefined) {
    const seen = await lookAtDefaultBranch(o, subject.config);
    return (config) => decideBranch(config, seen);
  }
  const seen = await lookAtPullRequest(o, subject.config, subject.pullRequest);
  return (config) => decidePullRequest(config, seen);
}

async function apply(
  client: ClientBase,
  config: Config,
  decision: Decision,
  o: { pullRequest: bigint | undefined; seenGeneration: bigint; deliveryGuid?: string | undefined },
): Promise<Applied | "pinned"> {
  if (decision.do === "deploy") {
    const site = await lockSite(client, config.id, o.pullRequest);
    if (site !== undefined && site.generation !== o.seenGeneration) return "moved";
    if (site !== undefined && (await takePin(client, site.id, decision.desired.commit))) return "pinned";
    return deployCommit(client, config, decision.desired, { seenGeneration: o.seenGeneration, deliveryGuid: o.deliveryGuid });
  }
  if (decision.do === "remove" && o.pullRequest !== undefined) return removeSite(client, config, o.pullRequest, o);
  return "unchanged";
}

function describe(decision: Decision, applied: Applied | "pinned"): Omit<Settled, "replacesRecent"> {
  const wanted = decision.do;
  if (decision.do === "ignore") return { result: "ignored", reason: decision.reason, commit: undefined, wanted };
  if (decision.do === "reject") return { result: "rejected", reason: decision.reason, commit: undefined, wanted };
  const commit = decision.do === "deploy" ? decision.desired.commit : undefined;
  if (applied === "host_taken") return { result: "rejected", reason: "its host belongs to another repository", commit, wanted };
  if (applied === "pinned") return { result: "unchanged", reason: "a rollback from this commit pins the site", commit, wanted };
  if (applied === "unchanged") return { result: "unchanged", reason: "nothing new", commit, wanted };
  return { result: "changed", reason: undefined, commit, wanted };
}
