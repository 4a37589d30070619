import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { deleteBuildVariable } from "./sql/delete-build-variable.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";

export async function removeBuildVariable(
  pool: pg.Pool,
  o: { githubOrg: string; githubRepo: string; name: string },
): Promise<void> {
  const repository = `${o.githubOrg}/${o.githubRepo}`;
  await withTransaction(pool, async (client) => {
    const configId = await lockDeploymentConfig(client, o.githubOrg, o.githubRepo);
    if (configId === undefined)
      throw new ConnectError(`github_repo: there is no deployment config of ${repository}`, Code.NotFound);
    // PostgreSQL refuses a text with NUL; nothing is called so.
    if (o.name.includes("\0") || !(await deleteBuildVariable(client, configId, o.name)))
      throw new ConnectError(`name: ${repository} has no build variable of that name`, Code.NotFound);
  });
}
