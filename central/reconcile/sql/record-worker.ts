import type { Pool } from "pg";
import { stripControls } from "#central/status/strip-controls.ts";

const maxVersions = 20;
const maxVersionLength = 100;

/** Records what a worker says of itself, untrusted: its disk, and, of a version that says so, its slots, its last proof of isolation and its versions. */
export async function recordWorker(
  pool: Pool,
  workerId: string,
  said: { freeBytes: bigint; totalBytes: bigint; slots: number; canaryAt: Date | undefined; versions: readonly string[] },
): Promise<void> {
  const versions = said.versions
    .slice(0, maxVersions)
    .map((version) => stripControls(version).slice(0, maxVersionLength).toWellFormed());
  await pool.query(
    `update workers set free_bytes = $2, total_bytes = $3, slots = nullif(greatest($4::integer, 0), 0), canary_at = $5, versions = $6
     where id = $1`,
    [workerId, said.freeBytes, said.totalBytes, said.slots, said.canaryAt ?? null, versions],
  );
}
