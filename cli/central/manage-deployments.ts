import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { isFinal } from "#client/watch-deployment.ts";
import { DeploymentStateSchema } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentSchema, type Deployment } from "#gen/catapult/v1/operator_service_pb.js";
import { formatEnum, parseEnum } from "../output/enum-names.ts";
import { formatDuration } from "../output/format-duration.ts";
import { formatTime, print, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { callCentral } from "./call-central.ts";
import { listAll } from "./list-all.ts";

export type ListDeploymentsOptions = {
  environment?: string;
  repository?: { githubOrg: string; githubRepo: string };
  site?: bigint;
  pullRequest?: bigint;
  state?: string[];
  commit?: string;
  limit: number;
  json?: boolean;
};

export async function listDeployments(options: ListDeploymentsOptions): Promise<void> {
  const filters = {
    environment: options.environment ?? "",
    ...options.repository,
    site: options.site ?? 0n,
    pullRequest: options.pullRequest ?? 0n,
    states: (options.state ?? []).map((state) => parseEnum(DeploymentStateSchema, state)),
    commit: options.commit ?? "",
  };
  const deployments = await callCentral("list the deployments", async (client) =>
    listAll(async (page) => {
      const { deployments: items, nextPageToken } = await client.listDeployments({ ...page, ...filters });
      return { items, nextPageToken };
    }, options.limit),
  );
  printList(deployments, {
    json: options.json,
    toJson: (item) => toJson(DeploymentSchema, item),
    columns: {
      ID: (item) => String(item.id),
      STATE: (item) => describeState(item),
      REPOSITORY: (item) => `${item.githubOrg}/${item.githubRepo}${item.pullRequest === 0n ? "" : `#${item.pullRequest}`}`,
      COMMIT: (item) => item.commit.slice(0, 8),
      BRANCH: (item) => item.branch,
      ENVIRONMENT: (item) => item.environment,
      MADE: (item) => formatTime(item.createTime && timestampDate(item.createTime)),
      TOOK: (item) => describeDuration(item),
      URL: (item) => item.url,
    },
    none: "There are no such deployments.",
  });
}

export async function getDeployment(id: bigint, options: { json?: boolean }): Promise<void> {
  const { deployment } = await callCentral(`get the deployment ${id}`, async (client) => client.getDeployment({ id }));
  printItem(DeploymentSchema, deployment, options.json);
}

export async function cancelDeployment(id: bigint, options: { json?: boolean }): Promise<void> {
  const { deployment } = await callCentral(`cancel the deployment ${id}`, async (client) => client.cancel({ id }));
  if (options.json === true) printItem(DeploymentSchema, deployment, true);
  else if (deployment !== undefined && !isFinal(deployment.state))
    print(`Deployment ${id} is told to end; it is ${describeState(deployment)} still. What is live stays.`);
  else print(`Deployment ${id} is ${deployment === undefined ? "canceled" : describeState(deployment)}; what is live stays.`);
}

/** Its state, with what it waits for, and whether it is what the site serves. */
function describeState(deployment: Deployment): string {
  const state = formatEnum(DeploymentStateSchema, deployment.state);
  if (deployment.waiting !== "") return `${state} (${deployment.waiting})`;
  return deployment.live ? `${state}, live` : state;
}

function describeDuration({ createTime, finishTime }: Deployment): string {
  if (createTime === undefined || finishTime === undefined) return "";
  return formatDuration(timestampDate(finishTime).getTime() - timestampDate(createTime).getTime());
}
