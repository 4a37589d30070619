import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import type { PreparedSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import type { Evidence } from "./evidence.ts";

const inspectMs = 20_000;

async function inspect(container: Dockerode.Container): Promise<Dockerode.ContainerInspectInfo> {
  return callPodman("inspect the canary", async () => withDeadline(inspectMs, "inspect the canary", container.inspect()));
}

/** What Podman itself says of the canary's sandbox. */
export async function inspectSandbox(
  sandbox: PreparedSandbox,
): Promise<{ holder: string; gateway: string; outside: Evidence["outside"] }> {
  const [build, holder] = await Promise.all([inspect(sandbox.build), inspect(sandbox.holder)]);
  return {
    holder: holder.Id,
    gateway: Object.values(holder.NetworkSettings.Networks)[0]?.Gateway ?? "",
    outside: {
      privileged: build.HostConfig.Privileged === true,
      readOnly: build.HostConfig.ReadonlyRootfs === true,
      mountTypes: build.Mounts.map((mount) => mount.Type ?? "unknown"),
    },
  };
}
