import type { ClientBase } from "pg";

/**
 * Takes the configs whose comparison with GitHub is due: none of them twice in an interval, on any number of replicas. Of each installation
 * of the App only so many at a time, because its calls are what GitHub counts. A config whose first look was never done waits a minute for it:
 * the job that its creation queued.
 */
export async function claimConfigs(client: ClientBase, o: { everySeconds: number; perInstallation: number }): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `update deployment_config set looked_at = now() where id in (
       select id from (
         select id, looked_at, row_number() over (partition by installation_id order by looked_at nulls first, id) as place
         from deployment_config
         where case when looked_at is null then created_at <= now() - interval '60 seconds'
           else looked_at <= now() - make_interval(secs => $1) end
       ) due where place <= $2
     ) and (looked_at is null or looked_at <= now() - make_interval(secs => $1))
     returning id`,
    [o.everySeconds, o.perInstallation],
  );
  return rows.map((row) => row.id);
}
