import { once } from "node:events";
import { expect, test } from "vitest";
import { withinDeadline } from "#worker/build/within-deadline.ts";

const attempt = "keep something";
const never = new AbortController().signal;
const untilAborted = async (signal: AbortSignal): Promise<void> => {
  await once(signal, "abort");
  throw new Error("words of its own");
};

test("Work that is in time gives its result, and fails by its own error", async () => {
  const o = { signal: never, milliseconds: 60_000, attempt };
  expect(await withinDeadline(o, async () => 7)).toBe(7);
  await expect(withinDeadline(o, async () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
});

test("Work that takes longer is ended, and the failure says what was given up after how long", async () => {
  const work = withinDeadline({ signal: never, milliseconds: 10, attempt }, untilAborted);
  await expect(work).rejects.toThrow("Gave up after 0.01 s: keep something");
});

test("An abort ends the work by its reason, and is heard before the work begins", async () => {
  const ending = new AbortController();
  const o = { signal: ending.signal, milliseconds: 60_000, attempt };
  const work = withinDeadline(o, untilAborted);
  ending.abort(new Error("something newer came"));
  await expect(work).rejects.toThrow("something newer came");
  let begun = false;
  await expect(withinDeadline(o, async () => (begun = true))).rejects.toThrow("something newer came");
  expect(begun).toBe(false);
});
