import { logBounds, type LeftOut } from "./bound-log.ts";
import { formatBytes, formatDuration, sizeOfTmp, type BuildLimits } from "./limits.ts";
import type { FileUse } from "./measure-files.ts";
import type { FailureReason, SandboxFailure } from "./sandbox-types.ts";

/** How a build's container ended. */
export type BuildEnd = {
  /** The entry script's, or 137 when something killed the script itself. */
  exitCode: number;
  /** Why the worker ended it, if it did. */
  ended?: "canceled" | "deadline";
  report: BuildReport;
  /** From the command's start to its end. */
  ranMs: number;
  /** Files under the disk's cap, where they were measured. */
  files?: FileUse;
  /** What of the log was more than is kept. */
  leftOut?: LeftOut;
  /** A line of the output said that a disk is full. */
  saidNoSpace: boolean;
};

/** What the entry script wrote down. Untrusted: the build could have written it. */
export type BuildReport = { status: number; oomKills: number; pidRefusals: number };

/** The entry script's exit statuses; run-build.sh holds the other half. */
const reasons: Readonly<Record<number, FailureReason>> = {
  71: "out_of_memory",
  72: "too_many_processes",
  73: "disk_full",
  74: "output_missing",
  75: "output_empty",
  76: "output_not_folder",
  77: "no_dev_shell",
  78: "tool_missing",
  79: "command_failed",
  80: "root_dir_missing",
  81: "output_outside",
  82: "deadline_exceeded",
};

/** Whether it is worth 100 ms to measure how much of the memory is files. */
export function blamesFiles(exitCode: number, saidNoSpace: boolean): boolean {
  return saidNoSpace || exitCode === 137 || reasons[exitCode] === "out_of_memory" || reasons[exitCode] === "disk_full";
}

/** Says why a build failed: undefined, it did not. */
export function nameFailure(
  end: BuildEnd,
  limits: BuildLimits,
  request: { rootDir: string; outputDir: string; devshell: string },
): SandboxFailure | undefined {
  const reason = chooseReason(end);
  if (reason === undefined) return undefined;
  return { stage: "build", reason, message: explain(reason, end, limits, request) + describeLog(end) };
}

function chooseReason(end: BuildEnd): FailureReason | undefined {
  if (end.ended === "canceled") return "canceled";
  const named = reasons[end.exitCode];
  // A limit that was met explains a build that then hung.
  if (end.ended === "deadline") {
    if (end.report.oomKills > 0) return "out_of_memory";
    return end.report.pidRefusals > 0 ? "too_many_processes" : "deadline_exceeded";
  }
  if (end.exitCode === 0) return undefined;
  // Nothing else kills the entry script: the kernel did, as the last that was left to kill.
  if (end.exitCode === 137) return "out_of_memory";
  // A program that cleans up after itself leaves no full disk to be found.
  if ((named === "command_failed" || named === "no_dev_shell") && end.saidNoSpace) return "disk_full";
  return named ?? "command_failed";
}

function explain(
  reason: FailureReason,
  end: BuildEnd,
  limits: BuildLimits,
  request: { rootDir: string; outputDir: string; devshell: string },
): string {
  const output = JSON.stringify(request.outputDir);
  const root = request.rootDir === "" ? "." : request.rootDir;
  const late = end.ended === "deadline" ? ` It then ran until its deadline of ${formatDuration(limits.timeoutMs)}.` : "";
  switch (reason) {
    case "canceled":
      return "The build was canceled.";
    case "deadline_exceeded":
      return `The build ran longer than its limit of ${formatDuration(limits.timeoutMs)} (BUILD_TIMEOUT) and was ended after ${formatDuration(end.ranMs)}.`;
    case "out_of_memory":
      return `The build used up its memory of ${formatBytes(limits.memoryBytes)} (BUILD_MEMORY)${describeKills(end)}.${describeFiles(end, limits)}${late}`;
    case "too_many_processes":
      return `The build reached its limit of ${limits.pids} processes and threads (BUILD_PIDS); ${end.report.pidRefusals} more were refused.${late}`;
    case "disk_full":
      return `The build filled its disk of ${formatBytes(limits.diskBytes)} (BUILD_DISK).${describeDisk(end, limits)}`;
    case "output_missing":
      return `The command succeeded but left no ${output} in ${root}. Is the output folder right?`;
    case "output_empty":
      return `The command succeeded but left nothing in the output folder ${output}.`;
    case "output_not_folder":
      return `The command succeeded but ${output} is no folder.`;
    case "output_outside":
      return `The output folder ${output} leads out of the repository.`;
    case "root_dir_missing":
      return `There is no folder ${JSON.stringify(root)} in the repository.`;
    case "no_dev_shell":
      return describeShell(request.devshell);
    case "tool_missing":
      return "The command needs a program that the dev shell does not have (exit status 127). The end of the log names it; a flake.nix can bring it.";
    default:
      return end.exitCode === 79
        ? `The command failed with exit status ${end.report.status}.`
        : `The build's container ended with status ${end.exitCode}.`;
  }
}

function describeKills(end: BuildEnd): string {
  const kills = end.report.oomKills;
  if (kills === 0) return "";
  return `; the kernel ended ${kills === 1 ? "one of its processes" : `${kills} of its processes`}`;
}

/** Files in memory count as memory: without a word on them, the memory's limit would take the blame for the disk's use. */
function describeFiles(end: BuildEnd, limits: BuildLimits): string {
  if (end.files === undefined) return "";
  return ` Its files took ${formatBytes(end.files.bytes)} of ${formatBytes(limits.diskBytes)}; they are held in memory.`;
}

function describeDisk(end: BuildEnd, limits: BuildLimits): string {
  if (end.files === undefined) return "";
  const { bytes, names, maxNames, share } = end.files;
  const use = ` At its end it held ${formatBytes(bytes)} in ${names} files and folders, of which it may have ${maxNames}.`;
  return share > 0.99 ? use : `${use} More stood there before, or in /tmp, which holds ${formatBytes(sizeOfTmp(limits))} of it.`;
}

/** A flood of log ends no build; of one that failed, nobody should look for what was left out. */
function describeLog(end: BuildEnd): string {
  if (end.leftOut === undefined) return "";
  const { lines, characters, kept } = end.leftOut;
  return ` Its log was longer than its limit of ${formatBytes(logBounds.head + logBounds.tail)} or ${logBounds.headLines + logBounds.tailLines} lines: ${lines} lines (${formatBytes(characters)}) are left out, ${formatBytes(kept)} are kept.`;
}

function describeShell(devshell: string): string {
  const zola =
    devshell === "zola"
      ? " Zola is not in the builder image; it comes from nixpkgs, so github.com and cache.nixos.org must be reachable from builds."
      : "";
  return `The dev shell did not come about; the end of the log says why.${zola}`;
}

/** Reads what the entry script wrote: lines `name=number`. What is missing or no number counts as 0. */
export function parseReport(text: string): BuildReport {
  const read = (name: string): number => Number(new RegExp(`^${name}=(\\d{1,15})$`, "m").exec(text)?.[1] ?? 0);
  return { status: read("status"), oomKills: read("oom_kills"), pidRefusals: read("pid_refusals") };
}
