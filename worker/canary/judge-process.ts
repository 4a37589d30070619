import { buildUser } from "#worker/sandbox/container-options.ts";
import { expect, type Evidence, type Findings, type Seen } from "./evidence.ts";

export function judgeProcess({ outside }: Evidence, { status, init }: Seen): Findings {
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}=${status.get(name)}`);
  const ids = Array.from({ length: 4 }, () => buildUser).join("\t");
  return {
    capabilities: expect(
      sets.every((set) => set.endsWith("=0000000000000000")) && !outside.privileged,
      `${sets.join(" ")} privileged=${outside.privileged}`,
    ),
    no_new_privileges: expect(status.get("NoNewPrivs") === "1", `NoNewPrivs=${status.get("NoNewPrivs")}`),
    seccomp: expect(status.get("Seccomp") === "2", `Seccomp=${status.get("Seccomp")}`),
    user: expect(
      status.get("Uid") === ids && status.get("Gid") === ids,
      `Uid=${status.get("Uid")} Gid=${status.get("Gid")} instead of ${buildUser}`,
    ),
    groups: expect(["", String(buildUser)].includes(status.get("Groups") ?? "none"), `Groups=${status.get("Groups")}`),
    processes: expect(init?.includes("/opt/catapult/run-build.sh") === true, `its first process is ${init}`),
  };
}
