import type { Pool } from "pg";
import { openSecret } from "#central/database/seal.ts";
import type { Deployment } from "./sql/select-work.ts";
import { selectBuildVariables } from "./sql/select-build-variables.ts";

/** What a deployment's build is given of its config's own variables: all of them, or none if its code is not the repository's own. */
export async function openBuildVariables(
  o: { pool: Pool; secretKey: Buffer },
  siteId: bigint,
  deployment: Pick<Deployment, "trust">,
): Promise<{ name: string; value: string }[]> {
  if (deployment.trust !== "repository") return [];
  const variables = await selectBuildVariables(o.pool, siteId);
  return variables.map(({ name, sealed }) => ({ name, value: openSecret(o.secretKey, sealed).toString() }));
}
