import type { Pool } from "pg";

/** The config of a repository by its name. GitHub's names know no case; of a name that was given up and taken again, the newest one. */
export async function selectConfigId(pool: Pool, org: string, repo: string): Promise<bigint | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (org.includes("\0") || repo.includes("\0")) return undefined;
  const { rows } = await pool.query<{ id: bigint }>(
    `select id from deployment_config where lower(github_org) = lower($1) and lower(github_repo) = lower($2)
     order by id desc limit 1`,
    [org, repo],
  );
  return rows[0]?.id;
}
