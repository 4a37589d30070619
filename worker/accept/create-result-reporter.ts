import type { ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { markReported } from "#worker/accept/mark-reported.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import type { SendReport } from "#worker/report/create-reporter.ts";
import { sendUntilTaken } from "#worker/report/send-until-taken.ts";

export type ResultReporter = {
  /** Reports a result until Central takes it or does not want it any more; one that is being reported already is not reported twice. */
  report(finished: ReportStatusRequest): void;
  /** Reports all results that Central has not taken: those of a worker that ended before it could say them. */
  resume(): void;
  /** Gives up; a start goes on. */
  stop(): void;
};

/** Reports what is stored as the end of a deployment or a site, in the background, for as long as the worker lives. */
export function createResultReporter(o: {
  store: SiteStore;
  send: SendReport;
  background: (work: Promise<void>) => void;
}): ResultReporter {
  const stopping = new AbortController();
  const running = new Set<string>();
  const run = async (key: string, finished: ReportStatusRequest): Promise<void> => {
    try {
      await sendUntilTaken((signal) => o.send(finished, signal), { signal: stopping.signal });
      await markReported(o.store, finished);
    } catch (error) {
      // It is stored, and the next start says it.
      if (!stopping.signal.aborted) throw error;
    } finally {
      running.delete(key);
    }
  };
  const report = (finished: ReportStatusRequest): void => {
    const key = `${finished.siteId}-${finished.generation}`;
    if (running.has(key)) return;
    running.add(key);
    o.background(run(key, finished));
  };
  return {
    report,
    resume() {
      for (const { finished, unreported } of o.store.all()) if (unreported && finished !== undefined) report(finished);
    },
    stop: () => stopping.abort(),
  };
}
