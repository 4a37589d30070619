import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { restoreSite } from "#central/deployment/restore-site.ts";
import { raiseGeneration } from "#central/deployment/sql/raise-generation.ts";
import type { WorkerClients } from "#central/dispatch/create-worker-clients.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { countRepair } from "./count-repair.ts";
import { decideRepair, type DiskSite, type Repair, type TableSite } from "./decide-repair.ts";
import { claimComparisons } from "./sql/claim-comparisons.ts";
import { compareAgainIn } from "./sql/compare-again-in.ts";
import { lockTableSite, selectTableSite, selectTableSites, type TableSiteRow } from "./sql/select-table-sites.ts";
import { recordWorker } from "./sql/record-worker.ts";
import { setSiteWorker } from "./sql/set-site-worker.ts";

type Context = { pool: Pool; workers: WorkerClients; log: Logger };
type Worker = { id: string; endpoint: string };

const pageSize = 500;
const againSeconds = 30;

/**
 * Compares every enabled worker's disk with the tables that was not compared in a while, by whichever replica comes first, and puts right what differs.
 * A worker that cannot be asked is asked again once it is ready, or half a minute later: one that refuses this replica's clock stays ready.
 */
export async function compareWorkers(o: Context & { everySeconds: number }): Promise<void> {
  for (const worker of await claimComparisons(o.pool, o.everySeconds)) {
    try {
      await compareWorker(o, worker);
    } catch (err) {
      o.log.warn({ err, worker: worker.id }, "a worker's sites could not be compared with the tables");
      await compareAgainIn(o.pool, worker.id, { seconds: againSeconds, everySeconds: o.everySeconds });
    }
  }
}

export async function compareWorker(o: Context, worker: Worker): Promise<void> {
  const client = o.workers.get(worker);
  const unknown: bigint[] = [];
  for (let after = 0n, more = true; more;) {
    const page = await client.listSites({ afterSiteId: after, pageSize });
    const last = page.sites.at(-1)?.siteId;
    // An end that does not move would never come.
    more = page.more && last !== undefined && last > after;
    const listed = new Map<bigint, DiskSite>(page.sites.map((site) => [site.siteId, site]));
    const tables = new Map<bigint, TableSiteRow>();
    const rows = await selectTableSites(o.pool, {
      workerId: worker.id,
      listed: [...listed.keys()],
      after,
      last: more ? last : undefined,
    });
    for (const row of rows) tables.set(row.id, row);
    for (const id of new Set([...listed.keys(), ...tables.keys()])) {
      const { do: what } = decideRepair(worker.id, tables.get(id), listed.get(id));
      if (what === "tell") unknown.push(id);
      else if (what !== "nothing") await repairSite(o, worker, id);
    }
    const canaryAt = page.canaryTime === undefined ? undefined : timestampDate(page.canaryTime);
    await recordWorker(o.pool, worker.id, { ...page, canaryAt });
    if (last !== undefined) after = last;
  }
  if (unknown.length > 0) await tell(o, worker, unknown);
}

/**
 * Looks at one site again, between two looks at the tables that agree: what was seen on the page may be a publish or a removal that was under way.
 */
async function repairSite(o: Context, worker: Worker, siteId: bigint): Promise<void> {
  const before = await selectTableSite(o.pool, siteId);
  const { sites } = await o.workers.get(worker).listSites({ afterSiteId: siteId - 1n, pageSize: 1 });
  const disk = sites.find((site) => site.siteId === siteId);
  await withTransaction(o.pool, async (client) => {
    const table = await lockTableSite(client, siteId);
    if (before === undefined || table === undefined || isChanged(before, table)) return;
    const repair = decideRepair(worker.id, table, disk);
    if (repair.do !== "deploy" && repair.do !== "remove") return;
    const seen = disk?.generation ?? 0n;
    const details = await apply();
    if (details === undefined) return;
    await countRepair(client, repair.kind);
    o.log.error({ worker: worker.id, site: siteId.toString(), kind: repair.kind, ...details }, describe(repair));

    async function apply(): Promise<{ generation: string; commit?: string } | undefined> {
      if (repair.do === "deploy") {
        const restored = await restoreSite(client, { id: siteId, removedAt: seen });
        return restored === undefined ? undefined : { generation: restored.generation.toString(), commit: restored.commit };
      }
      const generation = await raiseGeneration(client, siteId, "removing", seen);
      await setSiteWorker(client, siteId, worker.id);
      await addJob(client, { task: "dispatch", siteId });
      return { generation: generation.toString() };
    }
  });
}

function isChanged(before: TableSite, now: TableSite): boolean {
  return (["state", "generation", "liveRelease", "pending", "workerId", "lostCommit"] as const).some(
    (key) => before[key] !== now[key],
  );
}

const differences = {
  site_missing: "a site that should be live is not on its worker's disk",
  release_differs: "a worker serves another release of a site than the one that should be live",
  site_left: "a site that nobody wants any more is on a worker's disk",
  generation_behind: "a worker has seen a higher generation of a site than the tables have, as after a database was restored",
};

function describe(repair: Repair & { do: "deploy" | "remove" }): string {
  return `${differences[repair.kind]}; ${repair.do === "deploy" ? "its commit is deployed again" : "it is removed there"}`;
}

/** Nothing is removed that the tables do not know: a person knows whether an older database was restored. */
async function tell(o: Context, worker: Worker, sites: readonly bigint[]): Promise<void> {
  for (const _ of sites) await countRepair(o.pool, "site_unknown");
  o.log.error(
    { worker: worker.id, sites: sites.slice(0, 20).map(String), count: sites.length },
    "a worker serves sites that the database does not know, or knows as others; they stay. Was an older database restored? Restore the newer one, or stop the worker and remove these folders and states by hand",
  );
}
