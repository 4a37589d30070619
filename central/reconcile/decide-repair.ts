import { maxLost } from "#central/decision/compare-with-newest.ts";

/** A site as the tables have it. */
export type TableSite = {
  state: "wanted" | "removing" | "removed" | "evicted";
  host: string;
  generation: bigint;
  /** The worker that has, or had, the site's files. */
  workerId: string | null;
  /** What should be live; null: nothing yet. */
  liveRelease: string | null;
  /** What becomes of the site's own generation: it is held, waits for a worker, or is with one. */
  pending: "held" | "queued" | "running" | null;
  /** The commit of the site's own generation, if its worker was lost with it: it is the newest that is wanted, and is tried again after a pause. */
  lostCommit: string | null;
  /** How often that commit was lost here. */
  timesLost: number;
};

/** A site as its worker's disk has it. */
export type DiskSite = {
  host: string;
  generation: bigint;
  /** Empty: none whose files are there. */
  liveRelease: string;
  working: boolean;
  removed: boolean;
};

export type Repair =
  | { do: "nothing" }
  /** Deploy again what should be live, under a generation above what the worker has seen. */
  | { do: "deploy"; kind: "site_missing" | "release_differs" | "generation_behind" }
  /** Ask the worker to remove it, under a generation above what it has seen. */
  | { do: "remove"; kind: "site_left" | "generation_behind" }
  /** The tables do not know whose this is: a person must look. */
  | { do: "tell" };

const nothing: Repair = { do: "nothing" };

/**
 * What puts a site right whose worker's disk differs from the tables. Neither side is touched while work on the site is under way. What the tables do
 * not know is kept: a database that was restored from an older copy must not wipe the sites that were made since.
 */
export function decideRepair(workerId: string, table: TableSite | undefined, disk: DiskSite | undefined): Repair {
  const isServed = disk !== undefined && !disk.removed && disk.liveRelease !== "";
  if (table === undefined) return isServed ? { do: "tell" } : nothing;
  if (disk?.working === true || table.pending === "running") return nothing;
  // A worker that removed a site at a generation takes no build of that generation any more.
  const isBehind =
    disk !== undefined && (disk.generation > table.generation || (disk.removed && disk.generation === table.generation));
  switch (table.state) {
    case "wanted":
      return decideWanted(workerId, table, disk, isBehind);
    case "removing":
      // At the generation of the removal itself it is done or under way.
      return disk !== undefined && disk.generation > table.generation && table.workerId === workerId
        ? { do: "remove", kind: "generation_behind" }
        : nothing;
    case "removed":
      if (!isServed) return nothing;
      // A Cleanup names the host: another one means that this id is another site's at the worker.
      return disk.host === table.host ? { do: "remove", kind: "site_left" } : { do: "tell" };
    default:
      // evicted: what is still served does no harm, and its worker says when it makes room.
      return nothing;
  }
}

function decideWanted(workerId: string, table: TableSite, disk: DiskSite | undefined, isBehind: boolean): Repair {
  if (table.pending === "held") return nothing;
  if (isBehind) return { do: "deploy", kind: "generation_behind" };
  if (table.pending === "queued") return nothing;
  // Another worker's files are compared with that worker.
  if (table.workerId !== null && table.workerId !== workerId) return nothing;
  // Never an older commit than the newest: only where the lost one went live unheard it is known to do no harm, and is deployed again at once. Once: of a
  // worker that is never heard each comparison would find it so, and after that the pauses between its losses grow.
  if (table.lostCommit !== null) {
    if (table.timesLost > maxLost) return nothing;
    const isLive = disk?.removed === false && disk.liveRelease.endsWith(`-${table.lostCommit.slice(0, 8)}`);
    return isLive && disk.liveRelease !== table.liveRelease ? { do: "deploy", kind: "release_differs" } : nothing;
  }
  if (table.liveRelease === null) return nothing;
  if (disk === undefined || disk.removed || disk.liveRelease === "") return { do: "deploy", kind: "site_missing" };
  if (disk.liveRelease !== table.liveRelease || disk.host !== table.host) return { do: "deploy", kind: "release_differs" };
  return nothing;
}
