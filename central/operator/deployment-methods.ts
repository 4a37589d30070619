import type { ServiceImpl } from "@connectrpc/connect";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { askToResume } from "#central/watch/ask-to-resume.ts";
import { watchDeployment } from "#central/watch/watch-deployment.ts";
import { type Actor, readActor, scopeEnvironment } from "./actor.ts";
import { approve } from "./approve.ts";
import { cancel } from "./cancel.ts";
import { deploy } from "./deploy.ts";
import { deploymentNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, parseKeyId, readPage } from "./page.ts";
import { redeploy } from "./redeploy.ts";
import { rollback } from "./rollback.ts";
import { deploymentMessage, deploymentStateName } from "./site-messages.ts";
import { selectDeploymentInFull, selectDeploymentRow, selectDeploymentRows } from "./sql/select-deployments.ts";

type Methods =
  | "listDeployments"
  | "getDeployment"
  | "watchDeployment"
  | "deploy"
  | "redeploy"
  | "rollback"
  | "cancel"
  | "approve";

export function createDeploymentMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  return {
    async listDeployments(request, context) {
      const environment = scopeEnvironment(readActor(context), request.environment);
      const { githubOrg: org, githubRepo: repo, site, pullRequest, commit } = request;
      const filters = [request.environment, org, repo, site, pullRequest, request.states, commit];
      const page = readPage<[string]>(request, { list: "deployments", filters, keys: 1 });
      const states = request.states.map(deploymentStateName);
      const filter = { environment, org, repo, site, pullRequest, states, commit };
      const rows = await selectDeploymentRows(pool, { ...filter, before: parseKeyId(page.after?.[0]), limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.id]);
      return { deployments: cut.rows.map((row) => deploymentMessage(row)), nextPageToken: cut.nextPageToken };
    },
    async getDeployment(request, context) {
      const found = await selectDeploymentInFull(pool, request.id, readActor(context).environment);
      if (found === undefined) throw deploymentNotFound(request.id);
      return { deployment: deploymentMessage(found.row, found.egress) };
    },
    watchDeployment(request, context) {
      const { id, afterLogLine } = request;
      const { signal } = context;
      const actor = readActor(context);
      return askToResume(watch(actor, { id, afterLogLine, token: actor.name, signal }), { deploymentId: id, signal, log });
    },
    async deploy(request, context) {
      const actor = readActor(context);
      const id = await deploy(o, request, actor);
      log.info({ deployment: id.toString(), tokenName: actor.name }, "an operator deployed");
      return { deployment: await readMade(id) };
    },
    async redeploy(request, context) {
      const actor = readActor(context);
      const row = await redeploy(pool, request.id, actor);
      log.info({ deployment: row.id.toString(), of: request.id.toString(), tokenName: actor.name }, "an operator deployed again");
      return { deployment: deploymentMessage(row) };
    },
    async rollback(request, context) {
      const actor = readActor(context);
      const row = await rollback(o, request, actor);
      log.info({ deployment: row.id.toString(), release: row.release, tokenName: actor.name }, "an operator rolled back");
      return { deployment: deploymentMessage(row) };
    },
    async cancel(request, context) {
      const actor = readActor(context);
      const row = await cancel(pool, request.id, actor);
      log.info({ deployment: row.id.toString(), tokenName: actor.name }, "an operator canceled");
      return { deployment: deploymentMessage(row) };
    },
    async approve(request, context) {
      const actor = readActor(context);
      const deploymentId = await approve(o, request, actor);
      const { pullRequest, commit } = request;
      log.info(
        { deployment: deploymentId.toString(), pullRequest: pullRequest.toString(), commit, tokenName: actor.name },
        "commit approved",
      );
      return { deploymentId };
    },
  };

  async function* watch(actor: Actor, asked: Parameters<typeof watchDeployment>[1]) {
    const row = await selectDeploymentRow(pool, asked.id, actor.environment);
    if (row === undefined) throw deploymentNotFound(asked.id);
    yield* watchDeployment(o, asked);
  }

  async function readMade(id: bigint) {
    const row = await selectDeploymentRow(pool, id);
    if (row === undefined) throw deploymentNotFound(id);
    return deploymentMessage(row);
  }
}
