import { Code, type ConnectError } from "@connectrpc/connect";
import type { ClientBase } from "pg";
import { type Approval, approveCommit } from "#central/approval/approve-commit.ts";
import { selectApproved } from "#central/approval/sql/select-approved.ts";
import { selectDeploymentOf } from "#central/approval/sql/select-deployment-of.ts";
import { selectConfig } from "#central/intake/sql/select-config.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { ApproveRequest } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { askGitHub } from "./ask-git-hub.ts";
import { auditDeployment } from "./audit-deployment.ts";
import { configNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import type { DeploymentRow } from "./rows.ts";
import { selectNamedConfig } from "./sql/select-deployment-configs.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";

/** What there was of a commit before it was approved. */
type Found = { deployment: DeploymentRow | undefined; isApproved: boolean };

/** Lets a commit of a fork's pull request be built in the name of the token that asks for it. */
export async function approve(o: OperatorContext, request: ApproveRequest, actor: Actor): Promise<bigint> {
  const { githubOrg, githubRepo, pullRequest, commit } = request;
  const repository = `${githubOrg}/${githubRepo}`;
  const named = await selectNamedConfig(o.pool, githubOrg, githubRepo, actor.environment);
  const config = named === undefined ? undefined : await selectConfig(o.pool, named.id);
  if (config === undefined) throw configNotFound(githubOrg, githubRepo);
  let found: Found | undefined;
  const asked = { repository, what: `what the head of pull request ${pullRequest} is`, kept: "approved" };
  const approval = await askGitHub(o.log, asked, async () =>
    approveCommit(
      o,
      { config, pullRequest, commit, approver: { kind: "token", name: actor.name } },
      async (client, made) => {
        if (made.do === "approved") await auditApproval(client, actor, made.deploymentId, found);
      },
      async (client, siteId) => {
        found = await findBefore(client, siteId, commit);
      },
    ),
  );
  if (approval.do === "refused") throw refusal(approval, `pull request ${pullRequest} of ${repository}`);
  return approval.deploymentId;
}

async function findBefore(client: ClientBase, siteId: bigint, commit: string): Promise<Found> {
  const id = await selectDeploymentOf(client, siteId, commit);
  const deployment = id === undefined ? undefined : await selectDeploymentRow(client, id);
  return { deployment, isApproved: await selectApproved(client, siteId, commit) };
}

/** An approval that is repeated changes nothing, and is not recorded again. */
async function auditApproval(client: ClientBase, actor: Actor, id: bigint, found: Found | undefined): Promise<void> {
  const before = found?.deployment?.id === id ? found.deployment : undefined;
  const now = await selectDeploymentRow(client, id);
  if (found?.isApproved === true && before !== undefined && before.state === now?.state) return;
  await auditDeployment(client, actor, "Approve", id, before);
}

function refusal(approval: Extract<Approval, { do: "refused" }>, what: string): ConnectError {
  if (approval.why === "missing")
    return reasonError(Code.NotFound, "pull_request_not_found", `pull_request: ${approval.reason} (${what})`);
  const reason = approval.why === "moved" ? "commit_moved" : "approval_not_needed";
  return reasonError(Code.FailedPrecondition, reason, `${what} was not approved: ${approval.reason}`);
}
