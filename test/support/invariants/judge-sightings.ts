import type { Finding } from "./finding.ts";
import type { Sighting } from "./watch-sites.ts";

/** Which generations of a site serve content of this digest at this path. Several: the same commit may be deployed more than once. */
export type GenerationsOf = (path: string, digest: string) => readonly bigint[];

/**
 * I2 and I3 of what one host answered, in order: a whole release's file of one deployment or Caddy's 404, and generations that never fall.
 * Where content belongs to several generations it is taken for the lowest that is not a fall. After a 404 the site must come back by a new generation.
 */
export function judgeSightings(host: string, sightings: readonly Sighting[], generationsOf: GenerationsOf): Finding[] {
  const findings: Finding[] = [];
  let last = 0n;
  let least = 0n;
  for (const one of sightings) {
    if (one.status === 404) {
      // Gone: what was served is over.
      least = last === 0n ? 0n : last + 1n;
      continue;
    }
    const generations = one.status === 200 ? generationsOf(one.path, one.digest).toSorted((a, b) => (a < b ? -1 : 1)) : [];
    if (generations.length === 0) {
      const seen = `${one.path} answered ${one.status}, ${JSON.stringify(one.excerpt)}, which is of no release (${describe(one)})`;
      findings.push({ invariant: "I3", where: host, seen });
      continue;
    }
    const generation = generations.find((each) => each >= least);
    if (generation === undefined) {
      const after = least > last ? `after a 404 that followed ${last}` : `after ${last}`;
      const seen = `${one.path} served generation ${generations.join(" or ")} ${after} (${describe(one)}): ${JSON.stringify(one.excerpt)}`;
      findings.push({ invariant: "I2", where: host, seen });
      continue;
    }
    last = generation;
    least = generation;
  }
  return findings;
}

function describe(one: Sighting): string {
  return `${one.count} times from ${new Date(one.from).toISOString()} to ${new Date(one.to).toISOString()}`;
}
