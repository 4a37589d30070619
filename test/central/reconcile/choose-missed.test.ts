import { expect, test } from "vitest";
import type { HookDelivery } from "#central/github/hook-deliveries.ts";
import { chooseMissed } from "#central/reconcile/choose-missed.ts";

const attempt = (id: number, guid: string, statusCode: number): HookDelivery => ({
  id: BigInt(id),
  guid,
  statusCode,
  deliveredAt: new Date(id * 1000),
});

test("of each GUID that is not stored the newest attempt is asked for again, the oldest of them first", () => {
  const listed = [attempt(5, "a", 0), attempt(4, "b", 503), attempt(3, "a", 502), attempt(2, "c", 0), attempt(1, "d", 202)];
  const chosen = chooseMissed(listed, new Set(["a", "b", "d"]));
  expect(chosen.map(({ id }) => id)).toEqual([1n, 4n, 5n]);
});

test("what is stored is not asked for, nor is what was refused for what it is", () => {
  const listed = [attempt(6, "a", 0), attempt(5, "b", 400), attempt(4, "c", 413), attempt(3, "d", 415), attempt(2, "e", 401)];
  expect(chooseMissed(listed, new Set(["b", "c", "d", "e"])).map(({ guid }) => guid)).toEqual(["e"]);
});
