import type { JsonObject } from "@bufbuild/protobuf";

/** What the calls of one round share. `name` is of its own, so that rounds do not meet. */
export type Round = {
  name: string;
  deployment: string;
  site: string;
  /** A fork's commit that waits for its approval. */
  held: { githubOrg: string; githubRepo: string; pullRequest: string; commit: string };
  /** A site that has a release before the one that is live. */
  keptSite: string;
};
export type OperatorCall = {
  method: string;
  data: (round: Round) => JsonObject;
  /** Codes that answer it as well as success does, by what the round can know. */
  also?: string[];
  /** Keeps what later calls name. */
  keep?: (answer: Record<string, unknown>, round: Round) => void;
};

const repository = ({ name }: Round) => ({ githubOrg: "acme", githubRepo: name });
const environment = ({ name }: Round) => ({ name: `e-${name}`, domainSuffixes: [`${name}.test`], sitesUrl: "https://{host}" });
const worker = ({ name }: Round) => ({
  id: `w-${name}`,
  environment: `e-${name}`,
  endpoint: `https://${name}.test`,
  enabled: true,
});
const config = (round: Round) => ({ ...repository(round), environment: `e-${round.name}`, domain: `${round.name}.test` });

/** Every method of OperatorService, in an order in which most succeed: an environment, its worker and a config are made, used and removed. */
export const operatorCalls: OperatorCall[] = [
  { method: "CreateEnvironment", data: (round) => ({ environment: environment(round) }) },
  { method: "ListEnvironments", data: () => ({ pageSize: 1 }) },
  { method: "GetEnvironment", data: ({ name }) => ({ name: `e-${name}` }) },
  { method: "UpdateEnvironment", data: (round) => ({ environment: environment(round), updateMask: "sitesUrl" }) },
  { method: "CreateWorker", data: (round) => ({ worker: worker(round) }) },
  { method: "ListWorkers", data: ({ name }) => ({ environment: `e-${name}` }) },
  { method: "GetWorker", data: ({ name }) => ({ id: `w-${name}` }) },
  { method: "UpdateWorker", data: (round) => ({ worker: worker(round), updateMask: "endpoint" }) },
  { method: "RotateWorkerKey", data: ({ name }) => ({ id: `w-${name}` }) },
  { method: "DrainWorker", data: ({ name }) => ({ id: `w-${name}`, draining: true }) },
  { method: "PlanDeploymentConfig", data: (round) => ({ deploymentConfig: config(round) }) },
  { method: "CreateDeploymentConfig", data: (round) => ({ deploymentConfig: config(round) }) },
  { method: "ListDeploymentConfigs", data: ({ name }) => ({ environment: `e-${name}` }) },
  { method: "GetDeploymentConfig", data: repository },
  { method: "SetBuildVariable", data: (round) => ({ ...repository(round), variable: { name: "CONTENT", value: "12345678" } }) },
  { method: "DeleteBuildVariable", data: (round) => ({ ...repository(round), name: "CONTENT" }) },
  {
    method: "Deploy",
    data: repository,
    keep: (answer, round) => {
      const deployment = answer["deployment"];
      if (typeof deployment !== "object" || deployment === null) return;
      if ("id" in deployment) round.deployment = String(deployment.id);
      if ("site" in deployment) round.site = String(deployment.site);
    },
  },
  { method: "ListDeployments", data: repository },
  { method: "GetDeployment", data: ({ deployment }) => ({ id: deployment }) },
  { method: "ListSites", data: repository },
  { method: "GetSite", data: ({ site }) => ({ id: site }) },
  { method: "Approve", data: ({ held }) => held },
  { method: "Rollback", data: ({ keptSite }) => ({ site: keptSite }) },
  { method: "Cancel", data: ({ deployment }) => ({ id: deployment }) },
  { method: "WatchDeployment", data: ({ deployment }) => ({ id: deployment }) },
  {
    method: "Redeploy",
    data: ({ deployment }) => ({ id: deployment }),
  },
  {
    method: "UpdateDeploymentConfig",
    data: (round) => ({ deploymentConfig: { ...config(round), disabled: true }, updateMask: "disabled" }),
  },
  { method: "DeleteSite", data: ({ site }) => ({ id: site }) },
  { method: "EnableWorker", data: ({ name }) => ({ id: `w-${name}` }) },
  { method: "DisableWorker", data: ({ name }) => ({ id: `w-${name}` }) },
  { method: "DeleteDeploymentConfig", data: (round) => ({ ...repository(round), deleteSites: true }) },
  { method: "DeleteWorker", data: ({ name }) => ({ id: `w-${name}` }), also: ["failed_precondition"] },
  { method: "DeleteEnvironment", data: ({ name }) => ({ name: `e-${name}` }), also: ["failed_precondition"] },
  { method: "CreateToken", data: ({ name }) => ({ token: { name: `t-${name}`, scope: "TOKEN_SCOPE_READ" } }) },
  { method: "ListTokens", data: () => ({}) },
  { method: "RevokeToken", data: ({ name }) => ({ name: `t-${name}` }) },
  { method: "ListAuditEntries", data: ({ name }) => ({ resource: `workers/w-${name}` }) },
];
