/** What one build may use. */
export type BuildLimits = {
  memoryBytes: number;
  /** Of its source, packages, caches and output together; the Nix store has as much again. */
  diskBytes: number;
  cpus: number;
  pids: number;
  timeoutMs: number;
};

/** What of the disk /tmp may hold; at least what a small tool needs. */
export function sizeOfTmp(limits: BuildLimits): number {
  return Math.max(16 * 2 ** 20, Math.floor(limits.diskBytes / 4));
}

/** Bytes for a person: 536870912 → '512 MiB'. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`;
  return `${bytes} bytes`;
}

/** Milliseconds for a person: 90000 → '90 s', 600000 → '10 min'. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= 120_000) return `${Number((milliseconds / 60_000).toFixed(1))} min`;
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}
