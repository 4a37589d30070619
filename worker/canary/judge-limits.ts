import { expect, type Evidence, type Findings, type Seen } from "./evidence.ts";
import type { LimitName } from "./observation.ts";

export function judgeLimits({ limits, outOfMemory }: Evidence, { limits: read, files, fork, allocation }: Seen): Findings {
  const is = (name: LimitName, value: number): boolean => read.get(name) === value;
  const cpus = read.get("cpus") ?? -1;
  const ulimits = ["nofile", "nproc", "core"] as const;
  return {
    memory: expect(
      is("memory", Math.floor(limits.memoryBytes / 4096) * 4096) && allocation?.killed === true && outOfMemory,
      `the limit reads ${read.get("memory")} instead of ${limits.memoryBytes}; an allocation beyond it ${allocation?.killed === true ? "was ended" : "was not ended"}${outOfMemory ? "" : ", and the build did not fail by it"}`,
    ),
    cpu: expect(Math.abs(cpus - limits.cpus) < 0.01, `the quota reads ${cpus} CPUs instead of ${limits.cpus}`),
    pids: expect(
      is("pids", limits.pids) && fork?.refused === true,
      `the limit reads ${read.get("pids")} instead of ${limits.pids}; ${fork?.made} processes were made, ${fork?.refused === true ? "then one was refused" : "and none was refused"}`,
    ),
    ulimits: expect(
      is("nofile", 4096) && is("nproc", 4096) && is("core", 0) && files?.refused === true,
      `${ulimits.map((name) => `${name}=${read.get(name)}`).join(" ")}; ${files?.opened} files were opened, ${files?.refused === true ? "then one was refused" : "and none was refused"}`,
    ),
  };
}
