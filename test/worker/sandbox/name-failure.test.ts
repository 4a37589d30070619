import { expect, test } from "vitest";
import { parseFileUse } from "#worker/sandbox/measure-files.ts";
import { nameFailure, parseReport, type BuildEnd } from "#worker/sandbox/name-failure.ts";

const limits = { memoryBytes: 2 ** 30, diskBytes: 2 ** 31, cpus: 2, pids: 256, timeoutMs: 600_000 };
const request = { rootDir: "", outputDir: "dist", devshell: "vite" };
const none = { status: 0, oomKills: 0, pidRefusals: 0 };

function name(end: Partial<BuildEnd>, devshell = "vite"): string | undefined {
  return nameFailure({ exitCode: 0, report: none, saidNoSpace: false, ranMs: 0, ...end }, limits, { ...request, devshell })
    ?.reason;
}

test("a build that ended with 0 has not failed, whatever it said", () => {
  expect(name({ saidNoSpace: true })).toBeUndefined();
});

test("why the worker ended a build comes before how it ended", () => {
  expect(name({ exitCode: 137, ended: "canceled" })).toBe("canceled");
  expect(name({ exitCode: 137, ended: "deadline" })).toBe("deadline_exceeded");
  expect(name({ exitCode: 0, ended: "deadline" })).toBe("deadline_exceeded");
});

test("a limit that was met explains the deadline", () => {
  expect(name({ exitCode: 82, ended: "deadline", report: { ...none, pidRefusals: 3 } })).toBe("too_many_processes");
  expect(name({ exitCode: 82, ended: "deadline", report: { ...none, oomKills: 1 } })).toBe("out_of_memory");
});

test("the entry script killed by the kernel means that memory ran out", () => {
  expect(name({ exitCode: 137 })).toBe("out_of_memory");
});

test("an unknown status is a failed command, not a success", () => {
  expect(name({ exitCode: 1 })).toBe("command_failed");
});

function say(exitCode: number): string | undefined {
  const report = { status: 2, oomKills: 2, pidRefusals: 7 };
  const files = { bytes: 2 ** 20, names: 9, maxNames: 9, share: 1 };
  return nameFailure({ exitCode, report, saidNoSpace: false, ranMs: 600_500, files }, limits, request)?.message;
}

test("each message names the limit, by the variable that sets it", () => {
  expect(say(71)).toBe(
    "The build used up its memory of 1 GiB (BUILD_MEMORY); the kernel ended 2 of its processes. Its files took 1 MiB of 2 GiB; they are held in memory.",
  );
  expect(say(72)).toBe("The build reached its limit of 256 processes and threads (BUILD_PIDS); 7 more were refused.");
  expect(say(73)).toBe(
    "The build filled its disk of 2 GiB (BUILD_DISK). At its end it held 1 MiB in 9 files and folders, of which it may have 9.",
  );
  expect(say(82)).toBe("The build ran longer than its limit of 10 min (BUILD_TIMEOUT) and was ended after 10 min.");
  expect(say(79)).toBe("The command failed with exit status 2.");
});

test("a disk that is not full at the end was so before, or in /tmp, and the message says so", () => {
  const files = { bytes: 2 ** 20, names: 9, maxNames: 99, share: 0.1 };
  const end = { exitCode: 79, report: { ...none, status: 1 }, saidNoSpace: true, ranMs: 1, files };
  expect(nameFailure(end, limits, request)?.message).toContain("or in /tmp, which holds 512 MiB of it.");
});

test("a failure says what is missing of a log that was cut", () => {
  const leftOut = { lines: 7, characters: 2 ** 20, kept: 2 ** 21 };
  const end = { exitCode: 79, report: { ...none, status: 1 }, saidNoSpace: false, ranMs: 1, leftOut };
  expect(nameFailure(end, limits, request)?.message).toBe(
    "The command failed with exit status 1. Its log was longer than its limit of 2.5 MiB or 55000 lines: 7 lines (1 MiB) are left out, 2 MiB are kept.",
  );
});

test("of two volumes the fuller one is told, in bytes or in names", () => {
  expect(parseFileUse("4096 100 50 1000 900\n4096 100 90 1000 0\n")).toEqual({
    bytes: 40_960,
    names: 1000,
    maxNames: 1000,
    share: 1,
  });
  expect(parseFileUse("4096 100 50 1000 900\n4096 100 90 1000 990\n")).toMatchObject({ bytes: 204_800, share: 0.5 });
  expect(parseFileUse("stat: cannot read\n")).toBeUndefined();
});

test("a zola shell that did not come about says where Zola comes from", () => {
  expect(
    nameFailure({ exitCode: 77, report: none, saidNoSpace: false, ranMs: 0 }, limits, { ...request, devshell: "zola" })?.message,
  ).toContain("nixpkgs");
});

test("a report that the build has tampered with counts as nothing", () => {
  expect(parseReport("status=1\noom_kills=2\npid_refusals=3\n     ")).toEqual({ status: 1, oomKills: 2, pidRefusals: 3 });
  expect(parseReport("status=x\noom_kills=-1\npid_refusals=99999999999999999999")).toEqual(none);
  expect(parseReport("")).toEqual(none);
});
