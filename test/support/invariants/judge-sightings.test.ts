import { expect, test } from "vitest";
import { judgeSightings } from "./judge-sightings.ts";
import type { Sighting } from "./watch-sites.ts";

/** Content a is generation 1 and 4, b is 2, c is 3. */
const served: Record<string, bigint[]> = { a: [1n, 4n], b: [2n], c: [3n] };

function judge(...digests: string[]): string[] {
  const sightings = digests.map((digest, at): Sighting => ({
    path: "/",
    status: Number(digest) || 200,
    digest,
    excerpt: digest,
    from: at,
    to: at,
    count: 1,
  }));
  return judgeSightings("x.localhost", sightings, (_path, digest) => served[digest] ?? []).map(
    ({ invariant, seen }) => `${invariant} ${seen}`,
  );
}

test("generations that rise, and a commit that is deployed again, are as they should be", () => {
  expect(judge("404", "a", "a", "b", "c", "a")).toEqual([]);
  expect(judge("404", "a", "404", "b", "404")).toEqual([]);
});

test("a fall is found, also of content that was once newer", () => {
  expect(judge("b", "c", "b")).toEqual([expect.stringContaining("I2 / served generation 2 after 3")]);
  expect(judge("a", "b", "a", "b")).toEqual([expect.stringContaining("I2 / served generation 2 after 4")]);
});

test("what comes back after a 404 without a new generation is found", () => {
  expect(judge("b", "404", "b")).toEqual([expect.stringContaining("I2 / served generation 2 after a 404 that followed 2")]);
  expect(judge("a", "404", "a")).toEqual([]);
});

test("content of no release, an empty answer and an error are found", () => {
  expect(judge("a", "mixed")).toEqual([expect.stringContaining("I3 / answered 200")]);
  expect(judge("a", "502", "b")).toEqual([expect.stringContaining("I3 / answered 502")]);
});
