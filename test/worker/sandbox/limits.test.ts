import { expect, test } from "vitest";
import { formatBytes, formatDuration } from "#worker/sandbox/limits.ts";

test("bytes and durations are told in the unit a person would choose", () => {
  expect([0, 1023, 1024, 1536, 512 * 2 ** 20, 4 * 2 ** 30].map(formatBytes)).toEqual([
    "0 bytes",
    "1023 bytes",
    "1 KiB",
    "1.5 KiB",
    "512 MiB",
    "4 GiB",
  ]);
  expect([1500, 90_000, 600_000].map(formatDuration)).toEqual(["1.5 s", "90 s", "10 min"]);
});
