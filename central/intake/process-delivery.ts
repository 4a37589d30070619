import type { Pool } from "pg";
import { errorMessage } from "#common/error-details.ts";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { type Hint, parseDelivery } from "./parse-delivery.ts";
import { processCommentChange } from "./process-comment-change.ts";
import { processApproval } from "./process-approval.ts";
import { ClaimLostError, settle, type Settled } from "./settle.ts";
import type { ClaimedDelivery } from "./sql/claim-deliveries.ts";
import { type DeliveryEnd, finishDelivery } from "./sql/finish-delivery.ts";
import { postponeDelivery } from "./sql/postpone-delivery.ts";
import { selectConfigOfRepository } from "./sql/select-config.ts";

type Context = { pool: Pool; github: GitHub; log: Logger };
type SiteHint = Extract<Hint, { kind: "pull_request" | "branch" }>;

/** About a day: 1 s, 2 s, 4 s, … 10 min, and every 10 min from then on. GitHub keeps deliveries for three days. */
const maxAttempts = 150;
const maxDelayMs = 600_000;

/** How long GitHub's reads may lag behind its webhooks before the second look. */
const secondLookMs = 5_000;

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
    // A look that shows another commit than the delivery is of a newer one, or of a read that lags: only a later look can tell.
    if (isOther(outcome, hint)) {
      await addJob(client, { task: "look", configId: config.id, pullRequest: pullRequest ?? 0n, delayMs: secondLookMs });
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

function isOther(settled: Settled, hint: SiteHint): boolean {
  return settled.commit !== undefined && settled.commit !== hint.commit;
}

function nextDelay(attempts: number, error: unknown): number | undefined {
  if (attempts >= maxAttempts) return undefined;
  const asked = error instanceof GitHubError ? error.retryAfterMs : undefined;
  return asked ?? Math.min(1000 * 2 ** Math.min(attempts - 1, 20), maxDelayMs);
}
