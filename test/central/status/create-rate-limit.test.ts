import { expect, test } from "vitest";
import { createRateLimit } from "#central/status/create-rate-limit.ts";

test("W3 one caller's flood is cut at its rate and costs another caller nothing", () => {
  let now = 0;
  const limit = createRateLimit({ perSecond: 10, burst: 20, now: () => now });
  const taken = (caller: string): number => Array.from({ length: 100 }, () => limit.take(caller)).filter(Boolean).length;
  expect(taken("a")).toBe(20);
  expect(taken("b")).toBe(20);
  now += 1_000;
  expect(taken("a")).toBe(10);
  now += 3_600_000;
  expect(taken("a")).toBe(20);
});
