import type { Pool } from "pg";

export async function setDiskSpace(
  pool: Pool,
  workerId: string,
  space: { freeBytes: bigint; totalBytes: bigint },
): Promise<void> {
  await pool.query("update workers set free_bytes = $2, total_bytes = $3 where id = $1", [
    workerId,
    space.freeBytes,
    space.totalBytes,
  ]);
}
