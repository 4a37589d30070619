import type { ServiceImpl } from "@connectrpc/connect";
import { resolveRepository } from "#central/github/resolve-repository.ts";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { readActor, scopeEnvironment } from "./actor.ts";
import { askGitHub } from "./ask-git-hub.ts";
import { createDeploymentConfig } from "./create-deployment-config.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { configNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, readPage } from "./page.ts";
import { planDeploymentConfig } from "./plan-deployment-config.ts";
import { removeBuildVariable } from "./remove-build-variable.ts";
import { removeDeploymentConfig } from "./remove-deployment-config.ts";
import { required } from "./required.ts";
import { setBuildVariable } from "./set-build-variable.ts";
import { selectDeploymentConfigs, selectNamedConfig } from "./sql/select-deployment-configs.ts";
import { configPaths, updateDeploymentConfig } from "./update-deployment-config.ts";
import { readMask } from "./update-mask.ts";

type Methods =
  | "createDeploymentConfig"
  | "listDeploymentConfigs"
  | "getDeploymentConfig"
  | "updateDeploymentConfig"
  | "planDeploymentConfig"
  | "deleteDeploymentConfig"
  | "setBuildVariable"
  | "deleteBuildVariable";

export function createConfigMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  const resolve = async (owner: string, repo: string) =>
    askGitHub(log, { repository: `${owner}/${repo}`, what: "whether the App sees the repository" }, async () =>
      resolveRepository(o.github, owner, repo),
    );
  return {
    async createDeploymentConfig(request, context) {
      const actor = readActor(context);
      const config = required(request.deploymentConfig, "deployment_config");
      const row = await createDeploymentConfig({ pool, resolveRepository: resolve }, config, actor);
      const repository = `${row.github_org}/${row.github_repo}`;
      log.info({ config: row.id, repository, tokenName: actor.name }, "deployment config created");
      return { deploymentConfig: deploymentConfigMessage(row) };
    },
    async listDeploymentConfigs(request, context) {
      const environment = scopeEnvironment(readActor(context), request.environment);
      const { githubOrg: org } = request;
      const filters = [request.environment, org];
      const page = readPage<[string, string, string]>(request, { list: "configs", filters, keys: 3 });
      const rows = await selectDeploymentConfigs(pool, { environment, org, after: page.after, limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.github_org.toLowerCase(), row.github_repo.toLowerCase(), row.id]);
      return { deploymentConfigs: cut.rows.map(deploymentConfigMessage), nextPageToken: cut.nextPageToken };
    },
    async getDeploymentConfig(request, context) {
      const { githubOrg, githubRepo } = request;
      const row = await selectNamedConfig(pool, githubOrg, githubRepo, readActor(context).environment);
      if (row === undefined) throw configNotFound(githubOrg, githubRepo);
      return { deploymentConfig: deploymentConfigMessage(row) };
    },
    async updateDeploymentConfig(request, context) {
      const actor = readActor(context);
      const paths = readMask(request.updateMask, configPaths);
      const config = required(request.deploymentConfig, "deployment_config");
      const { row, sitesToMove } = await updateDeploymentConfig(pool, config, paths, actor);
      const repository = `${row.github_org}/${row.github_repo}`;
      log.info({ config: row.id, repository, sitesToMove, tokenName: actor.name }, "deployment config changed");
      return { deploymentConfig: deploymentConfigMessage(row), sitesToMove };
    },
    async planDeploymentConfig(request, context) {
      return planDeploymentConfig({ ...o, resolveRepository: resolve }, request, readActor(context));
    },
    async deleteDeploymentConfig(request, context) {
      const actor = readActor(context);
      const sitesRemaining = await removeDeploymentConfig(pool, request, actor);
      const repository = `${request.githubOrg}/${request.githubRepo}`;
      log.info({ repository, sitesRemaining, tokenName: actor.name }, "deployment config removed");
      return { sitesRemaining };
    },
    async setBuildVariable(request, context) {
      const actor = readActor(context);
      const { githubOrg, githubRepo } = request;
      const { name, value } = required(request.variable, "variable");
      await setBuildVariable(pool, o.secretKey, { githubOrg, githubRepo, name, value }, actor);
      log.info({ repository: `${githubOrg}/${githubRepo}`, name, tokenName: actor.name }, "build variable set");
      return {};
    },
    async deleteBuildVariable(request, context) {
      const actor = readActor(context);
      await removeBuildVariable(pool, request, actor);
      const repository = `${request.githubOrg}/${request.githubRepo}`;
      log.info({ repository, name: request.name, tokenName: actor.name }, "build variable removed");
      return {};
    },
  };
}
