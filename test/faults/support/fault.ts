import { inject, test } from "vitest";
import { readHits, recordHits } from "#test/support/failpoint-record.ts";
import { checkInvariants, watchSites, type SiteWatch } from "#test/support/invariants.ts";
import type { Stack } from "#test/support/stack.ts";
import { healStack } from "./heal-stack.ts";

/** Its own waits, a minute in which it may heal, and a new build. */
const timeoutMs = 240_000;

export type FaultOptions = {
  /** Takes back what the fault did besides links, forge, failpoints, and daemons that stopped or ended. */
  heal?: () => Promise<void>;
  /** False where what the fault holds to account is not the stack's own sites (I8). */
  newBuild?: boolean;
  /** The fault takes routes away by hand: hosts that nobody removed may answer 404 until they are there again. */
  mayMiss?: boolean;
};

/**
 * Gives the one way to write a fault's test: `fault("fault 01: what is promised", async (watch) => { … })`. Around its body every host is asked every
 * 20 ms and every cap is looked at; after it what was broken is mended, every failpoint that it armed must have been hit, and all
 * invariants must hold. test/faults/meta.test.ts holds that a fault's test is none without it.
 */
export function faultsOn(findStack: () => Stack) {
  return (title: string, body: (watch: SiteWatch) => Promise<void>, o: FaultOptions = {}): void => {
    // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the titles are the callers', and checkInvariants throws
    test(title, { timeout: timeoutMs }, async () => runFault(findStack(), body, o));
  };
}

async function runFault(stack: Stack, body: (watch: SiteWatch) => Promise<void>, o: FaultOptions): Promise<void> {
  const daemons = [...stack.centrals, ...stack.workers.map(({ daemon }) => daemon)];
  const missed = await Promise.all(daemons.map(async (daemon) => daemon.watchFailpoints()));
  const watch = watchSites(stack);
  try {
    try {
      await body(watch);
    } finally {
      // Whatever became of the body: the next fault meets a stack that works.
      await o.heal?.();
      await healStack(stack);
    }
    for (const daemon of daemons) recordHits(inject("failpointRecord"), readHits(await daemon.log()));
    const unhit = (await Promise.all(missed.map(async (find) => find()))).flat();
    if (unhit.length > 0) throw new Error(`The fault armed failpoints that were never hit: ${unhit.join(", ")}`);
    const judged = o.mayMiss === true ? withoutMisses(watch) : watch;
    await checkInvariants(stack, { watch: judged, ...(o.newBuild === undefined ? {} : { newBuild: o.newBuild }) });
  } finally {
    await watch.stop();
  }
}

function withoutMisses(watch: SiteWatch): SiteWatch {
  const sightings = (): ReturnType<SiteWatch["sightings"]> =>
    new Map([...watch.sightings()].map(([host, all]) => [host, all.filter(({ status }) => status !== 404)]));
  return { ...watch, sightings };
}
