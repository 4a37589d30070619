import type { Pool } from "pg";
import { errorMessage } from "#common/error-details.ts";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { addNextLook } from "./add-next-look.ts";
import { type Hint, parseDelivery } from "./parse-delivery.ts";
import { processCommentChange } from "./process-comment-change.ts";
import { processApproval } from "./process-approval.ts";
import { ContradictedError, mayPutOff, putOffsMs } from "./put-off.ts";
import { ClaimLostError, settle, type Settled } from "./settle.ts";
import type { ClaimedDelivery } from "./sql/claim-deliveries.ts";
import { type DeliveryEnd, finishDelivery } from "./sql/finish-delivery.ts";
import { postponeDelivery } from "./sql/postpone-delivery.ts";
import { type Config, selectConfigOfRepository } from "./sql/select-config.ts";

type Context = { pool: Pool; github: GitHub; log: Logger };
type SiteHint = Extract<Hint, { kind: "pull_request" | "branch" }>;

/** About a day: 1 s, 2 s, 4 s, … 10 min, and every 10 min from then on. GitHub keeps deliveries for three days. */
const maxAttempts = 150;
const maxDelayMs = 600_000;

class EndlessDeliveryError extends Error {
  override name = "EndlessDeliveryError";
  constructor(attempts: number) {
    super(`the delivery was taken up ${attempts} times and never ended`);
  }
}

/** Does what a claimed delivery hints at, and ends it, or puts it off. Throws only when the database does not answer. */
export async function processDelivery(o: Context, delivery: ClaimedDelivery): Promise<void> {
  const log = o.log.child({ delivery: delivery.guid, event: delivery.event });
  try {
    // Each claim counts, so that one whose processing ends the process is given up too.
    if (delivery.attempts > maxAttempts) throw new EndlessDeliveryError(delivery.attempts);
    const hint = parseDelivery(delivery.event, delivery.body);
    if (hint.kind === "pull_request" || hint.kind === "branch") await settleHint(o, delivery, hint, log);
    else if (hint.kind === "comment") await processCommentChange(o, delivery, hint);
    else if (hint.kind === "approval") await processApproval(o, delivery, hint, log);
    else await finishDelivery(o.pool, delivery, { state: hint.kind, reason: hint.reason });
  } catch (error) {
    if (error instanceof ClaimLostError) return;
    if (error instanceof ContradictedError) {
      await postponeDelivery(o.pool, delivery, { reason: error.message, delayMs: putOffsMs[delivery.attempts - 1] ?? 0 });
      return;
    }
    const delayMs = nextDelay(delivery.attempts, error);
    if (delayMs === undefined)
      log.error({ err: error, attempts: delivery.attempts }, "a delivery was given up: redeliver it at GitHub");
    else log.warn({ err: error, attempts: delivery.attempts, delayMs }, "a delivery could not be processed");
    await postponeDelivery(o.pool, delivery, { reason: errorMessage(error), delayMs });
  }
}

async function settleHint(o: Context, delivery: ClaimedDelivery, hint: SiteHint, log: Logger): Promise<void> {
  const config = await selectConfigOfRepository(o.pool, hint.repositoryId);
  if (config === undefined) {
    await finishDelivery(o.pool, delivery, { state: "ignored", reason: "the repository has no deployment config" });
    return;
  }
  const pullRequest = hint.kind === "pull_request" ? hint.pullRequest : undefined;
  const settled = await settle(o, { config, pullRequest, deliveryGuid: delivery.guid }, async (client, outcome) => {
    // GitHub shows something newer than the delivery, or its read lags behind its webhook: only a later look can tell.
    const contradicted = contradicts(outcome, hint, config);
    if (contradicted && wouldRemove(outcome) && mayPutOff(delivery)) {
      throw new ContradictedError("GitHub shows no open pull request yet, or no more");
    }
    // A late delivery and a read that lags may agree on what is no longer so.
    if (contradicted || outcome.replacesRecent) {
      await addNextLook(client, { configId: config.id, pullRequest: pullRequest ?? 0n }, 0);
    }
    if (!(await finishDelivery(client, delivery, endOf(outcome, hint)))) throw new ClaimLostError(delivery.guid);
  });
  await failpoint("intake.after-settle");
  log.info({ repository: hint.repositoryId.toString(), result: settled.result, reason: settled.reason }, "delivery processed");
}

function endOf(settled: Settled, hint: SiteHint): DeliveryEnd {
  if (settled.result === "ignored" || settled.result === "rejected") return { state: settled.result, reason: settled.reason };
  if (isOther(settled, hint)) return { state: "superseded", reason: "GitHub shows another commit now" };
  return { state: "processed", reason: settled.reason };
}

/** Whether what was read is not what the delivery says of the same thing. */
function contradicts(settled: Settled, hint: SiteHint, config: Config): boolean {
  if (isOther(settled, hint)) return true;
  if (hint.kind === "branch") return settled.wanted === "ignore" && config.enabled && !config.deleting;
  return hint.open ? settled.wanted === "remove" : settled.wanted !== "remove";
}

function wouldRemove(settled: Settled): boolean {
  return settled.wanted === "remove" && settled.result === "changed";
}

function isOther(settled: Settled, hint: SiteHint): boolean {
  return settled.commit !== undefined && settled.commit !== hint.commit;
}

function nextDelay(attempts: number, error: unknown): number | undefined {
  if (attempts >= maxAttempts) return undefined;
  const asked = error instanceof GitHubError ? error.retryAfterMs : undefined;
  return asked ?? Math.min(1000 * 2 ** Math.min(attempts - 1, 20), maxDelayMs);
}
