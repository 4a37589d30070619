import { expect, test } from "vitest";
import { nameFailure, parseReport, type BuildEnd } from "#worker/sandbox/name-failure.ts";

const limits = { memoryBytes: 2 ** 30, diskBytes: 2 ** 31, cpus: 2, pids: 256, timeoutMs: 600_000 };
const request = { rootDir: "", outputDir: "dist", devshell: "vite" };
const none = { status: 0, oomKills: 0, pidRefusals: 0 };

function name(end: Partial<BuildEnd>, devshell = "vite"): string | undefined {
  return nameFailure({ exitCode: 0, report: none, saidNoSpace: false, ...end }, limits, { ...request, devshell })?.reason;
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
  return nameFailure({ exitCode, report, saidNoSpace: false, fileBytes: 2 ** 20 }, limits, request)?.message;
}

test("each message names the limit, by the variable that sets it", () => {
  expect(say(71)).toBe(
    "The build used up its memory of 1 GiB (BUILD_MEMORY); the kernel ended 2 of its processes. Its files took 1 MiB of 2 GiB; they are held in memory.",
  );
  expect(say(72)).toBe("The build reached its limit of 256 processes and threads (BUILD_PIDS); 7 more were refused.");
  expect(say(73)).toContain("its disk of 2 GiB (BUILD_DISK)");
  expect(say(79)).toBe("The command failed with exit status 2.");
});

test("a zola shell that did not come about says where Zola comes from", () => {
  expect(
    nameFailure({ exitCode: 77, report: none, saidNoSpace: false }, limits, { ...request, devshell: "zola" })?.message,
  ).toContain("nixpkgs");
});

test("a report that the build has tampered with counts as nothing", () => {
  expect(parseReport("status=1\noom_kills=2\npid_refusals=3\n     ")).toEqual({ status: 1, oomKills: 2, pidRefusals: 3 });
  expect(parseReport("status=x\noom_kills=-1\npid_refusals=99999999999999999999")).toEqual(none);
  expect(parseReport("")).toEqual(none);
});
