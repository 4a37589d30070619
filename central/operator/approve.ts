import { Code, ConnectError, type HandlerContext, type MethodImpl } from "@connectrpc/connect";
import type pg from "pg";
import { type Approval, approveCommit } from "#central/approval/approve-commit.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { SiteBusyError } from "#central/intake/settle.ts";
import { selectConfig } from "#central/intake/sql/select-config.ts";
import type { Logger } from "#common/logger.ts";
import { callerKey } from "#common/rpc/caller.ts";
import type { ApproveRequest, OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { selectConfigId } from "./sql/select-config-id.ts";

type Context = { pool: pg.Pool; github: GitHub; log: Logger };

/** Lets a commit of a fork's pull request be built in the name of the token that asks for it. */
export function createApprove(o: Context): MethodImpl<(typeof OperatorService)["method"]["approve"]> {
  return async (request: ApproveRequest, context: HandlerContext) => {
    const caller = context.values.get(callerKey);
    // Nothing is approved in nobody's name.
    if (caller?.kind !== "token" || caller.scope !== "write") throw new ConnectError("unauthenticated", Code.Unauthenticated);
    const repository = `${request.githubOrg}/${request.githubRepo}`;
    const configId = await selectConfigId(o.pool, request.githubOrg, request.githubRepo);
    const config = configId === undefined ? undefined : await selectConfig(o.pool, configId);
    if (config === undefined)
      throw new ConnectError(`github_repo: there is no deployment config of ${repository}`, Code.NotFound);
    const { pullRequest, commit } = request;
    const approval = await askGitHub(o, repository, async () =>
      approveCommit(o, { config, pullRequest, commit, approver: { kind: "token", name: caller.name } }, async () => undefined),
    );
    if (approval.do === "refused") throw refusal(approval, `pull request ${pullRequest} of ${repository}`);
    o.log.info({ repository, pullRequest: pullRequest.toString(), commit, token: caller.name }, "commit approved");
    return { deploymentId: approval.deploymentId };
  };
}

function refusal(approval: Extract<Approval, { do: "refused" }>, what: string): ConnectError {
  if (approval.why === "missing") return new ConnectError(`pull_request: ${approval.reason} (${what})`, Code.NotFound);
  return new ConnectError(`${what} was not approved: ${approval.reason}`, Code.FailedPrecondition);
}

/** What GitHub does not say is not taken for granted: nothing is recorded, and the caller may try again. */
async function askGitHub(o: Context, repository: string, work: () => Promise<Approval>): Promise<Approval> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GitHubError) && !(error instanceof SiteBusyError)) throw error;
    o.log.error({ err: error, repository }, "an approval could not be checked");
    const message = `GitHub did not say what the head of the pull request is; nothing was approved, try again`;
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, error);
  }
}
