import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import { ReportStatusRequestSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";

/** What a worker remembers of a site for ever, or for a site that is gone, for as long as an old call could still come. */
export type SiteState = {
  siteId: bigint;
  host: string;
  kind: "preview" | "production";
  /** The highest that was accepted: the fence. */
  generation: bigint;
  live?: { release: string; generation: bigint };
  /** When `live` became so, in milliseconds since 1970: when room is needed, the oldest previews go first. */
  liveAt?: number;
  /** In seconds; see publishRelease. */
  newestMtime: number;
  /** The site is going, or gone. */
  removal?: "pending" | "done";
  /** With `removal`: nobody asked for it, the disk was nearly full. */
  evicted?: true;
  /** How `generation` ended, to be reported again when it is asked for again. */
  finished?: ReportStatusRequest;
  /** Central has not taken `finished` yet; a start reports it again. */
  unreported?: true;
  /** Milliseconds since 1970. For forgetting alone, never for an order. */
  changedAt: number;
};

export function formatSiteState(state: SiteState): string {
  return JSON.stringify({
    ...state,
    siteId: String(state.siteId),
    generation: String(state.generation),
    ...(state.live === undefined ? {} : { live: { ...state.live, generation: String(state.live.generation) } }),
    ...(state.finished === undefined ? {} : { finished: toJson(ReportStatusRequestSchema, state.finished) }),
  });
}

type Stored = Omit<SiteState, "siteId" | "generation" | "live" | "finished"> & {
  siteId: string;
  generation: string;
  live?: { release: string; generation: string };
  finished?: JsonValue;
};

export function parseSiteState(text: string): SiteState {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, written whole by formatSiteState
  const { live, finished, ...stored } = JSON.parse(text) as Stored;
  return {
    ...stored,
    siteId: BigInt(stored.siteId),
    generation: BigInt(stored.generation),
    ...(live === undefined ? {} : { live: { release: live.release, generation: BigInt(live.generation) } }),
    ...(finished === undefined ? {} : { finished: fromJson(ReportStatusRequestSchema, finished) }),
  };
}
