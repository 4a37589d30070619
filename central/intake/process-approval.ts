import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { approveCommit, type Approval } from "#central/approval/approve-commit.ts";
import { parseCommand } from "#central/approval/parse-command.ts";
import { mayApprove, type SeenPermission } from "#central/decision/may-approve.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { getComment } from "#central/github/get-comment.ts";
import { getPermission } from "#central/github/get-permission.ts";
import { resolveRepository } from "#central/github/resolve-repository.ts";
import { withRefreshedConfig } from "./look-at-github.ts";
import type { ApprovalHint } from "./read-comment.ts";
import { ContradictedError, mayPutOff } from "./put-off.ts";
import { ClaimLostError } from "./settle.ts";
import type { ClaimedDelivery } from "./sql/claim-deliveries.ts";
import { type DeliveryEnd, finishDelivery } from "./sql/finish-delivery.ts";
import { type Config, selectConfigOfRepository } from "./sql/select-config.ts";

type Context = { pool: Pool; github: GitHub };

/**
 * Takes a comment that approves a commit: that it stands at GitHub as the delivery says, that its author may write there, and that the commit
 * is the head, are asked now, and some times more where GitHub's reads may lag behind the comment. What is refused is recorded on the delivery
 * and answered by no comment: those could be drawn without end.
 */
export async function processApproval(o: Context, delivery: ClaimedDelivery, hint: ApprovalHint, log: Logger): Promise<void> {
  const config = await selectConfigOfRepository(o.pool, hint.repositoryId);
  if (config === undefined) {
    await finishDelivery(o.pool, delivery, { state: "ignored", reason: "the repository has no deployment config" });
    return;
  }
  const author = await findAuthor(o, config, hint, mayPutOff(delivery));
  if ("refused" in author) {
    log.info({ repository: hint.repositoryId.toString(), reason: author.refused }, "approval refused");
    await finishDelivery(o.pool, delivery, { state: "rejected", reason: author.refused });
    return;
  }
  const { pullRequest, commit } = hint;
  const approver = { kind: "github" as const, name: author.login };
  const approval = await approveCommit(
    o,
    { config, pullRequest, commit, approver, deliveryGuid: delivery.guid },
    async (client, made) => {
      if (made.do === "refused" && made.why === "moved" && mayPutOff(delivery)) throw new ContradictedError(made.reason);
      if (!(await finishDelivery(client, delivery, endOf(made)))) throw new ClaimLostError(delivery.guid);
    },
  );
  log.info(
    { repository: hint.repositoryId.toString(), commit, approver: author.login, approval: approval.do },
    "approval processed",
  );
}

/** Who approves, by GitHub's word alone. */
async function findAuthor(
  o: Context,
  config: Config,
  hint: ApprovalHint,
  mayLag: boolean,
): Promise<{ login: string } | { refused: string }> {
  const comment = await withRefreshedConfig(o, config, async (current) => getComment(o.github, current, hint.commentId));
  if (comment === undefined && mayLag) throw new ContradictedError("GitHub has no such comment yet, or no more");
  const author = comment?.author;
  if (comment === undefined || author === undefined) return { refused: "GitHub has no such comment" };
  const command = parseCommand(comment.body);
  const same = comment.number === hint.pullRequest && author.type === "User" && !comment.byApp;
  if (!same || command.kind !== "approve" || command.commit !== hint.commit) {
    return { refused: "GitHub shows another comment than the delivery" };
  }
  const permission = await withRefreshedConfig(o, config, async (current) => askPermission(o, current, author.login));
  if (mayApprove(permission, author.id)) return { login: author.login };
  const has = permission === undefined ? "GitHub knows no permission of" : `GitHub says ${permission.permission} of`;
  return { refused: `${has} ${author.login}, and approving takes write permission` };
}

/** In the repository with the config's id alone: another may have taken its old name, and whoever made that one is its administrator. */
async function askPermission(o: Context, config: Config, login: string): Promise<SeenPermission | undefined> {
  const named = await resolveRepository(o.github, config.githubOrg, config.githubRepo);
  return named?.repositoryId === config.repositoryId ? getPermission(o.github, config, login) : undefined;
}

function endOf(approval: Approval): DeliveryEnd {
  if (approval.do === "approved") return { state: "processed", reason: "approved" };
  return { state: approval.why === "moved" ? "rejected" : "ignored", reason: approval.reason };
}
