import type { ClientBase } from "pg";

export type EgressRow = { address: string; port: number; protocol: string; bytes: bigint };

/** Keeps where a build's packets went, once for each deployment: what was said first stays, however often a worker reports. */
export async function insertEgress(client: ClientBase, deploymentId: bigint, rows: readonly EgressRow[]): Promise<void> {
  await client.query(
    `insert into deployment_egress (deployment_id, address, port, protocol, bytes)
     select $1, address, port, protocol, bytes
     from unnest($2::inet[], $3::integer[], $4::text[], $5::bigint[]) as rows(address, port, protocol, bytes)
     where not exists (select from deployment_egress where deployment_id = $1)
     on conflict do nothing`,
    [
      deploymentId,
      rows.map((row) => row.address),
      rows.map((row) => row.port),
      rows.map((row) => row.protocol),
      rows.map((row) => row.bytes),
    ],
  );
}
