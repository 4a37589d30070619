import { expect, test } from "vitest";
import { createBoundedLog, logBounds, type LogBounds } from "#worker/sandbox/bound-log.ts";

function run(lines: string[], bounds: Partial<LogBounds> & { head: number; tail: number }): { live: string[]; all: string[] } {
  const out: string[] = [];
  const log = createBoundedLog((line) => out.push(line), { headLines: 50, tailLines: 50, ...bounds });
  for (const line of lines) log.write(line);
  const live = [...out];
  log.end();
  return { live, all: out };
}

test("a log within its bounds passes as it is, at once", () => {
  const lines = ["a", "b", "c"];
  expect(run(lines, { head: 6, tail: 6 })).toEqual({ live: lines, all: lines });
});

test("of a longer one the head comes at once, and the marker and the tail at the end", () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${String(index).padStart(4, "0")}`);
  const { live, all } = run(lines, { head: 30, tail: 30 });
  expect(live).toEqual(["line 0000", "line 0001", "line 0002"]);
  expect(all).toEqual([
    ...live,
    "[… 94 lines (940 characters) left out: of a log 60 characters in 100 lines are kept …]",
    "line 0097",
    "line 0098",
    "line 0099",
  ]);
});

test("nothing is left out while the tail has room, and the order stays", () => {
  const lines = ["aaaa", "bbbbbbbb", "c", "d"];
  expect(run(lines, { head: 5, tail: 100 }).all).toEqual(lines);
});

test("many short lines are bounded by their number, and the end is kept", () => {
  const lines = Array.from({ length: 100 }, (_, index) => String(index));
  const { live, all } = run(lines, { head: 1_000, tail: 1_000, headLines: 2, tailLines: 3 });
  expect(live).toEqual(["0", "1"]);
  expect(all).toEqual([
    ...live,
    "[… 95 lines (277 characters) left out: of a log 2000 characters in 5 lines are kept …]",
    "97",
    "98",
    "99",
  ]);
});

test("a log at its bounds fits into what Central takes of one, with what the worker adds to it", () => {
  expect(logBounds.headLines + logBounds.tailLines + 1_000).toBeLessThan(60_000);
});

test("a hundred thousand lines are bounded", () => {
  const lines = Array.from({ length: 100_000 }, (_, index) => String(index));
  const { all } = run(lines, { head: 100, tail: 100 });
  expect(all.join("\n").length).toBeLessThan(300);
  expect(all.at(-1)).toBe("99999");
});
