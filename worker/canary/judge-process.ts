import { buildUser } from "#worker/sandbox/container-options.ts";
import { expect, type Evidence, type Findings, type Seen } from "./evidence.ts";
import { namesOfCalls } from "./refused-calls.ts";

/** What the filter answers; it, or a kernel without 32-bit calls, ends a process that makes one. */
const refusals = ["EPERM", "ENOSYS", "SIGSYS", "SIGSEGV", "signal 31"];

export function judgeProcess({ outside }: Evidence, { status, calls, init }: Seen): Findings {
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}=${status.get(name)}`);
  const ids = Array.from({ length: 4 }, () => buildUser).join("\t");
  return {
    capabilities: expect(
      sets.every((set) => set.endsWith("=0000000000000000")) && !outside.privileged,
      `${sets.join(" ")} privileged=${outside.privileged}`,
    ),
    no_new_privileges: expect(status.get("NoNewPrivs") === "1", `NoNewPrivs=${status.get("NoNewPrivs")}`),
    seccomp: judgeCalls(status, calls),
    user: expect(
      status.get("Uid") === ids && status.get("Gid") === ids,
      `Uid=${status.get("Uid")} Gid=${status.get("Gid")} instead of ${buildUser}`,
    ),
    groups: expect(["", String(buildUser)].includes(status.get("Groups") ?? "none"), `Groups=${status.get("Groups")}`),
    processes: expect(init?.includes("/opt/catapult/run-build.sh") === true, `its first process is ${init}`),
  };
}

/** A filter is worth what it refuses: that there is one says little, since Podman's default lets most of these through. */
function judgeCalls(status: ReadonlyMap<string, string>, calls: ReadonlyMap<string, string>): string | undefined {
  const names = namesOfCalls(status.get("arch"));
  const isRefused = (name: string): boolean => refusals.includes(calls.get(name) ?? "");
  const through = names.filter((name) => calls.has(name) && !isRefused(name)).map((name) => `${name} (${calls.get(name)})`);
  const untried = names.filter((name) => !calls.has(name));
  const problems = [
    status.get("Seccomp") !== "2" && `Seccomp=${status.get("Seccomp")}`,
    through.length > 0 && `let through: ${through.join(", ")}`,
    untried.length > 0 && `unproven, since not tried: ${untried.join(", ")}`,
  ].filter((problem) => problem !== false);
  return expect(problems.length === 0, problems.join("; "));
}
