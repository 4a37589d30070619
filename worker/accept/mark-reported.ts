import { equals } from "@bufbuild/protobuf";
import { failpoint } from "#common/failpoint.ts";
import { ReportStatusRequestSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import type { SiteStore } from "#worker/accept/site-store.ts";

/** Central has taken a result, or does not want it: no start needs to report it again. Something newer in its place is left alone. */
export async function markReported(store: SiteStore, finished: ReportStatusRequest): Promise<void> {
  await failpoint("report.after-final");
  await store.withLock(finished.siteId, async () => {
    const state = store.get(finished.siteId);
    if (state?.unreported === undefined || state.finished === undefined) return;
    if (!equals(ReportStatusRequestSchema, state.finished, finished)) return;
    const { unreported: _, ...reported } = state;
    await store.put(reported);
  });
}
