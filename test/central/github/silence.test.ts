import { expect, test } from "vitest";
import { readRetryAfter } from "#central/github/read-retry-after.ts";
import { createSilence } from "#central/github/silence.ts";

test.each([
  ["retry-after in seconds", { status: 403, headers: { "retry-after": "7" }, message: "" }, 7_000],
  [
    "retry-after before the reset",
    { status: 429, headers: { "retry-after": 2, "x-ratelimit-remaining": "0" }, message: "" },
    2_000,
  ],
  [
    "an empty budget waits for its reset",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "130" }, message: "" },
    30_000,
  ],
  [
    "a reset that is past waits a second",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "90" }, message: "" },
    1_000,
  ],
  [
    "a secondary limit without a word of how long waits a minute",
    { status: 403, headers: {}, message: "You have exceeded a secondary rate limit" },
    60_000,
  ],
  ["a retry-after of years waits an hour", { status: 403, headers: { "retry-after": "999999999" }, message: "" }, 3_600_000],
  [
    "a refusal that is no limit waits for nothing",
    { status: 403, headers: { "x-ratelimit-remaining": "17" }, message: "issue is locked" },
    undefined,
  ],
  ["a failure of GitHub's own is no limit", { status: 502, headers: { "retry-after": "9" }, message: "" }, undefined],
])("%s", (_, answer, expected) => {
  expect(readRetryAfter({ ...answer, now: 100_000 })).toBe(expected);
});

test("silence lasts as long as it was asked for, and a shorter wish does not shorten it", () => {
  let now = 0;
  const silence = createSilence(() => now);
  silence.check();
  silence.keep(10_000);
  silence.keep(1_000);
  now = 9_000;
  expect(() => silence.check()).toThrow("1 s more");
  now = 10_000;
  silence.check();
});
