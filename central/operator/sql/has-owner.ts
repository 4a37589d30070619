import type { Pool } from "pg";
import { hasNul } from "../no-nul.ts";

/** Whether an environment has a repository of an owner already. */
export async function hasOwner(pool: Pool, environment: string, owner: string): Promise<boolean> {
  if (hasNul(environment, owner)) return false;
  const { rowCount } = await pool.query(
    `select from deployment_config c join environments e on e.id = c.environment_id
     where e.name = $1 and lower(c.github_org) = lower($2) limit 1`,
    [environment, owner],
  );
  return rowCount === 1;
}
