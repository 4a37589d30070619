import { describe, expect, test } from "vitest";
import { decideRepair, type DiskSite, type TableSite } from "#central/reconcile/decide-repair.ts";

const table: TableSite = {
  state: "wanted",
  host: "pr-1-site.x.test",
  generation: 5n,
  workerId: "one",
  liveRelease: "5-0a1b2c3d",
  pending: null,
  lostCommit: null,
  timesLost: 0,
};
const disk: DiskSite = { host: table.host, generation: 5n, liveRelease: "5-0a1b2c3d", working: false, removed: false };
const decide = (t: Partial<TableSite> | undefined, d: Partial<DiskSite> | undefined) =>
  decideRepair("one", t && { ...table, ...t }, d && { ...disk, ...d });
const nothing = { do: "nothing" };

test("what is the same on both sides is left alone, and so is what neither has", () => {
  expect(decide({}, {})).toEqual(nothing);
  expect(decide({ state: "removed", liveRelease: null }, { removed: true, liveRelease: "" })).toEqual(nothing);
  expect(decide({ state: "removed", liveRelease: null }, undefined)).toEqual(nothing);
  expect(decide({ liveRelease: null }, { liveRelease: "" })).toEqual(nothing);
});

describe("a wanted site", () => {
  test.each<[string, Partial<DiskSite> | undefined, string]>([
    ["that the worker does not know", undefined, "site_missing"],
    ["whose release is gone from the disk", { liveRelease: "" }, "site_missing"],
    ["that the worker removed some generations ago", { removed: true, generation: 4n, liveRelease: "" }, "site_missing"],
    ["that serves another release", { liveRelease: "4-0a1b2c3d" }, "release_differs"],
    ["that serves another host", { host: "other.x.test" }, "release_differs"],
    ["of which the worker has seen a higher generation", { generation: 6n }, "generation_behind"],
    ["that the worker removed at its own generation", { removed: true, liveRelease: "" }, "generation_behind"],
  ])("%s is deployed again", (_name, seen, kind) => {
    expect(decide({}, seen)).toEqual({ do: "deploy", kind });
  });

  test("is not touched while either side works on it, or it is held", () => {
    expect(decide({ pending: "running" }, undefined)).toEqual(nothing);
    expect(decide({}, { working: true, liveRelease: "" })).toEqual(nothing);
    expect(decide({ pending: "queued" }, undefined)).toEqual(nothing);
    expect(decide({ pending: "held" }, { generation: 9n })).toEqual(nothing);
  });

  test("that waits for a worker which would refuse its generation gets a higher one", () => {
    expect(decide({ pending: "queued" }, { generation: 9n })).toEqual({ do: "deploy", kind: "generation_behind" });
  });

  test("whose files another worker has is compared with that one", () => {
    expect(decide({ workerId: "two" }, undefined)).toEqual(nothing);
    expect(decide({ workerId: null }, undefined)).toEqual({ do: "deploy", kind: "site_missing" });
  });
});

test("a site whose newest commit was lost gets nothing older; that commit is deployed again at once only if it is live there", () => {
  const lostCommit = "c".repeat(40);
  const lost = { lostCommit, timesLost: 3, generation: 6n };
  for (const seen of [undefined, {}, { liveRelease: "" }, { liveRelease: "4-0a1b2c3d" }, { host: "other.x.test" }])
    expect(decide(lost, seen)).toEqual(nothing);
  for (const liveRelease of ["5-0a1b2c3d", null])
    expect(decide({ ...lost, liveRelease }, { generation: 6n, liveRelease: "6-cccccccc" })).toEqual({
      do: "deploy",
      kind: "release_differs",
    });
  expect(decide({ ...lost, pending: "queued" }, { liveRelease: "6-cccccccc" })).toEqual(nothing);
  expect(decide({ ...lost, timesLost: 4 }, { liveRelease: "6-cccccccc" })).toEqual(nothing);
});

test("a removed site that is still served is removed, unless the id is another host's at the worker", () => {
  const removed = { state: "removed", liveRelease: null, workerId: null } as const;
  expect(decide(removed, {})).toEqual({ do: "remove", kind: "site_left" });
  expect(decide(removed, { host: "other.x.test" })).toEqual({ do: "tell" });
  expect(decide(removed, { working: true })).toEqual(nothing);
});

test("a removal whose generation the worker would refuse gets a higher one; else its job goes on with it", () => {
  expect(decide({ state: "removing" }, { generation: 6n })).toEqual({ do: "remove", kind: "generation_behind" });
  expect(decide({ state: "removing" }, { generation: 5n, removed: true })).toEqual(nothing);
  expect(decide({ state: "removing" }, {})).toEqual(nothing);
});

test("an evicted site is not deployed again by itself, and what the tables do not know is kept and told", () => {
  for (const seen of [undefined, {}, { removed: true, liveRelease: "" }, { generation: 9n }])
    expect(decide({ state: "evicted", liveRelease: null }, seen)).toEqual(nothing);
  expect(decide(undefined, {})).toEqual({ do: "tell" });
  expect(decide(undefined, { removed: true, liveRelease: "" })).toEqual(nothing);
});
