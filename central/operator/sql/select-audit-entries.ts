import type { Pool } from "pg";

export type AuditRow = {
  id: bigint;
  at: Date;
  token: string;
  method: string;
  resource: string;
  environment: string;
  before: string | null;
  after: string | null;
};

/** The newest first. */
export async function selectAuditEntries(
  pool: Pool,
  o: { token: string; resource: string; environment: string | undefined; before: bigint | null; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await pool.query<AuditRow>(
    `select id, at, token, method, resource, environment, before::text as before, after::text as after from audit_log
     where ($1 = '' or token = $1) and ($2 = '' or resource = $2) and ($3::text is null or environment = $3)
       and ($4::bigint is null or id < $4)
     order by id desc limit $5`,
    [o.token, o.resource, o.environment ?? null, o.before, o.limit],
  );
  return rows;
}
