import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type pg from "pg";
import type { GitHub } from "#central/github/create-github.ts";
import { resolveRepository } from "#central/github/resolve-repository.ts";
import type { Logger } from "#common/logger.ts";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createApprove } from "./approve.ts";
import { createDeploymentConfig, type SeenRepository } from "./create-deployment-config.ts";
import { createEnvironment } from "./create-environment.ts";
import { createWorker } from "./create-worker.ts";
import { deploymentConfigMessage, environmentMessage, workerMessage } from "./messages.ts";
import { removeBuildVariable } from "./remove-build-variable.ts";
import { removeDeploymentConfig } from "./remove-deployment-config.ts";
import { removeEnvironment } from "./remove-environment.ts";
import { removeWorker } from "./remove-worker.ts";
import { setBuildVariable } from "./set-build-variable.ts";
import { selectDeploymentConfigs } from "./sql/select-deployment-configs.ts";
import { selectEnvironments } from "./sql/select-environments.ts";
import { selectWorkers } from "./sql/select-workers.ts";

export { createToken, findToken } from "./tokens.ts";

/** What operators ask of Central. The server's guard has let the caller in and the proto's rules hold before a method here is called. */
export function createOperatorService(o: {
  pool: pg.Pool;
  github: GitHub;
  secretKey: Buffer;
  log: Logger;
}): ServiceImpl<typeof OperatorService> {
  const { pool } = o;
  return {
    async createEnvironment(request) {
      const row = await createEnvironment(pool, required(request.environment, "environment"));
      o.log.info({ environment: row.name }, "environment created");
      return { environment: environmentMessage(row) };
    },
    async listEnvironments() {
      const rows = await selectEnvironments(pool);
      return { environments: rows.map(environmentMessage) };
    },
    async deleteEnvironment(request) {
      await removeEnvironment(pool, request.name);
      o.log.info({ environment: request.name }, "environment removed");
      return {};
    },
    async createWorker(request) {
      const { row, keyFile } = await createWorker(pool, o.secretKey, required(request.worker, "worker"));
      o.log.info({ worker: row.id }, "worker added");
      return { worker: workerMessage(row), keyFile };
    },
    async listWorkers() {
      const rows = await selectWorkers(pool);
      return { workers: rows.map(workerMessage) };
    },
    async deleteWorker(request) {
      await removeWorker(pool, request.id);
      o.log.info({ worker: request.id }, "worker removed");
      return {};
    },
    async createDeploymentConfig(request) {
      const config = required(request.deploymentConfig, "deployment_config");
      const resolve = async (owner: string, repo: string) => askGitHub(o, owner, repo);
      const row = await createDeploymentConfig({ pool, resolveRepository: resolve }, config);
      o.log.info({ config: row.id, repository: `${row.github_org}/${row.github_repo}` }, "deployment config created");
      return { deploymentConfig: deploymentConfigMessage(row) };
    },
    async listDeploymentConfigs() {
      const rows = await selectDeploymentConfigs(pool);
      return { deploymentConfigs: rows.map(deploymentConfigMessage) };
    },
    async deleteDeploymentConfig(request) {
      const sitesRemaining = await removeDeploymentConfig(pool, request);
      const repository = `${request.githubOrg}/${request.githubRepo}`;
      o.log.info({ repository, sitesRemaining }, "deployment config removed");
      return { sitesRemaining };
    },
    approve: createApprove(o),
    async setBuildVariable(request) {
      const { githubOrg, githubRepo } = request;
      const { name, value } = required(request.variable, "variable");
      await setBuildVariable(pool, o.secretKey, { githubOrg, githubRepo, name, value });
      o.log.info({ repository: `${githubOrg}/${githubRepo}`, name }, "build variable set");
      return {};
    },
    async deleteBuildVariable(request) {
      await removeBuildVariable(pool, request);
      o.log.info({ repository: `${request.githubOrg}/${request.githubRepo}`, name: request.name }, "build variable removed");
      return {};
    },
  };
}

/** A failure to ask is not an answer: the caller is told to try again and may, because nothing is stored yet. */
async function askGitHub(o: { github: GitHub; log: Logger }, owner: string, repo: string): Promise<SeenRepository | undefined> {
  try {
    return await resolveRepository(o.github, owner, repo);
  } catch (error) {
    o.log.error({ err: error, repository: `${owner}/${repo}` }, "GitHub did not say whether the App sees the repository");
    const message = `GitHub did not say whether the App sees ${owner}/${repo}; nothing was stored, try again`;
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, error);
  }
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new ConnectError(`${field}: must be set`, Code.InvalidArgument);
  return value;
}
