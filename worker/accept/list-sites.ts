import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { SiteKind } from "#gen/catapult/v1/deployment_pb.js";
import {
  WorkerServiceListSitesResponseSchema,
  WorkerSiteSchema,
  type WorkerServiceListSitesRequest,
  type WorkerServiceListSitesResponse,
  type WorkerSite,
} from "#gen/catapult/v1/worker_service_pb.js";
import type { SiteState } from "#worker/accept/site-state.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { measureDisk } from "#worker/disk/measure-disk.ts";
import { isLinked, listReleases } from "#worker/publish/list-releases.ts";

export type ListDependencies = {
  store: SiteStore;
  sitesDir: string;
  isWorking: (siteId: bigint) => boolean;
  /** What operators are shown of the worker itself. */
  describeWorker?: () => Promise<{ slots: number; running: number; provenAt: Date | undefined; versions: string[] }>;
};

const largestPage = 1_000;

/** One page of the sites. What is live is what the disk has: a state whose release or link is gone tells of none. */
export async function listSites(
  o: ListDependencies,
  request: Pick<WorkerServiceListSitesRequest, "afterSiteId" | "pageSize">,
): Promise<WorkerServiceListSitesResponse> {
  const size = request.pageSize === 0 ? largestPage : request.pageSize;
  const rest = [...o.store.all()]
    .filter(({ siteId }) => siteId > request.afterSiteId)
    .toSorted((a, b) => (a.siteId < b.siteId ? -1 : 1));
  const sites: WorkerSite[] = [];
  // A few folders are read per site: one after the other keeps 1,000 of them from taking all of libuv's threads from the rest.
  for (const { siteId } of rest.slice(0, size)) {
    // Under the lock a link and the state that names it are not seen halfway.
    const site = await o.store.withLock(siteId, async () => {
      const state = o.store.get(siteId);
      return state === undefined ? undefined : describe(o, state);
    });
    if (site !== undefined) sites.push(site);
  }
  const { freeBytes, totalBytes } = await measureDisk(o.sitesDir);
  const { provenAt, ...worker } = (await o.describeWorker?.()) ?? {};
  return create(WorkerServiceListSitesResponseSchema, {
    sites,
    more: rest.length > size,
    freeBytes: BigInt(freeBytes),
    totalBytes: BigInt(totalBytes),
    ...worker,
    ...(provenAt !== undefined && { canaryTime: timestampFromDate(provenAt) }),
  });
}

async function describe(o: ListDependencies, state: SiteState): Promise<WorkerSite> {
  const { siteId, host, live } = state;
  const releases = await listReleases(o.sitesDir, siteId);
  const isServed =
    live !== undefined && releases.includes(live.release) && (await isLinked(o.sitesDir, host, siteId, live.release));
  return create(WorkerSiteSchema, {
    siteId,
    generation: state.generation,
    host,
    kind: state.kind === "production" ? SiteKind.PRODUCTION : SiteKind.PREVIEW,
    liveRelease: isServed ? live.release : "",
    liveGeneration: isServed ? live.generation : 0n,
    // A removal that Central has not heard of is not over: an eviction would be taken for a site that was lost, and built again.
    working: o.isWorking(siteId) || (state.removal !== undefined && state.unreported === true),
    removed: state.removal !== undefined,
    releases,
  });
}
