import { awaitDeployment, type WaitOptions } from "./await-deployment.ts";
import { callCentral } from "./call-central.ts";
import { expectAnswer } from "./expect-answer.ts";
import { findSite } from "./find-site.ts";

export type DeployOptions = WaitOptions & { ref?: string; pullRequest?: bigint };

export async function deploy(repository: { githubOrg: string; githubRepo: string }, options: DeployOptions): Promise<void> {
  const request = { ...repository, ref: options.ref ?? "", pullRequest: options.pullRequest ?? 0n };
  const attempt = `deploy ${repository.githubOrg}/${repository.githubRepo}${request.ref === "" ? "" : ` at ${request.ref}`}`;
  await callCentral(attempt, async (client) => {
    const { deployment } = await client.deploy(request);
    await awaitDeployment(client, expectAnswer(deployment), options);
  });
}

export async function redeploy(id: bigint, options: WaitOptions): Promise<void> {
  await callCentral(`deploy the commit of deployment ${id} again`, async (client) => {
    const { deployment } = await client.redeploy({ id });
    await awaitDeployment(client, expectAnswer(deployment), options);
  });
}

export async function rollBack(site: string, options: WaitOptions & { to?: bigint }): Promise<void> {
  await callCentral(`roll back ${site}`, async (client) => {
    const { id } = await findSite(client, site);
    const { deployment } = await client.rollback({ site: id, deployment: options.to ?? 0n });
    await awaitDeployment(client, expectAnswer(deployment), options);
  });
}
