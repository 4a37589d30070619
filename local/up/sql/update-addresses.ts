import type pg from "pg";

/** Ports may differ from the last run's: makes the environment and the worker say where they are now. */
export async function updateAddresses(
  client: pg.Pool,
  o: { environment: string; sitesUrl: string; worker: string; endpoint: string },
): Promise<void> {
  await client.query(`update environments set sites_url = $2 where name = $1 and sites_url <> $2`, [o.environment, o.sitesUrl]);
  await client.query(`update workers set endpoint = $2 where id = $1 and endpoint <> $2`, [o.worker, o.endpoint]);
}
