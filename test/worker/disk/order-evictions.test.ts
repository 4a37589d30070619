import * as fc from "fast-check";
import { expect, test } from "vitest";
import { orderEvictions, type EvictionCandidate } from "#worker/disk/order-evictions.ts";

const preview = { kind: "preview" as const, isLive: true, isWorking: false };

test("The preview that was deployed longest ago goes first", () => {
  const sites = [
    { ...preview, siteId: 1n, deployedAt: 30 },
    { ...preview, siteId: 2n, deployedAt: 10 },
    { ...preview, siteId: 4n, deployedAt: 20 },
    { ...preview, siteId: 3n, deployedAt: 20 },
  ];
  expect(orderEvictions(sites)).toEqual([2n, 3n, 4n, 1n]);
});

test("No production site, none that is not live and none that is being worked on ever goes, and every other preview may", () => {
  const site: fc.Arbitrary<EvictionCandidate> = fc.record({
    siteId: fc.bigInt(1n, 50n),
    kind: fc.constantFrom("preview", "production"),
    isLive: fc.boolean(),
    isWorking: fc.boolean(),
    deployedAt: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.uniqueArray(site, { selector: ({ siteId }) => siteId }), (sites) => {
      const order = orderEvictions(sites);
      const may = sites.filter(({ kind, isLive, isWorking }) => kind === "preview" && isLive && !isWorking);
      expect(new Set(order)).toEqual(new Set(may.map(({ siteId }) => siteId)));
      const times = order.map((siteId) => sites.find((one) => one.siteId === siteId)?.deployedAt ?? 0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
  );
});
