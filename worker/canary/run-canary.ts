import { randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { pack } from "tar-stream";
import { errorMessage } from "#common/error-details.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { findImageId } from "#worker/sandbox/create-holder.ts";
import type { BuildLimits } from "#worker/sandbox/limits.ts";
import { prepareSandbox, type PreparedSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { readHostAddresses } from "#worker/sandbox/read-host-addresses.ts";
import { removeContainer } from "#worker/sandbox/release-sandbox.ts";
import { runPrepared } from "#worker/sandbox/run-prepared.ts";
import type { SandboxSetup } from "#worker/sandbox/sandbox-types.ts";
import { addresses6, chooseAddresses, linkAddresses, multicastAddress } from "./choose-addresses.ts";
import type { CanaryOutcome } from "./create-canary.ts";
import { HolderError } from "#worker/sandbox/start-holder.ts";
import { describeFault } from "./describe-fault.ts";
import { describeListener, describeWire, link } from "./describe-containers.ts";
import { judge, type Evidence, type FailedProof } from "./judge.ts";
import { listenOnHost, type HostListeners } from "./listen-on-host.ts";
import { parseObservation, type Observation, type ProbeRequest } from "./observation.ts";
import { startTool } from "./start-tool.ts";

const probeCode = readFileSync(new URL("inside/probe.ts", import.meta.url), "utf8");
const inspectMs = 20_000;

export type CanaryOptions = Omit<SandboxSetup, "labels"> & {
  /** What builds must reach outside. Undefined: nothing. */
  target: { host: string; port: number } | undefined;
  /** What makes the sandbox of a build. */
  prepare?: (setup: SandboxSetup) => Promise<PreparedSandbox>;
};

/**
 * Runs a hostile probe as a build is run and answers which proofs failed; none: isolation holds. It makes the network that it attacks:
 * a link from the build's network to a listener that has addresses out of each range, so that nothing of it goes anywhere else.
 */
export async function runCanary(o: CanaryOptions): Promise<CanaryOutcome> {
  try {
    // From here on by the id alone: what is proven is what builds then run on, wherever the tag is moved.
    const imageId = await findImageId(o);
    return { kind: "judged", failed: await prove({ ...o, imageReference: imageId }), imageId };
  } catch (error) {
    const detail = errorMessage(error);
    if (error instanceof ProbeError) return { kind: "judged", failed: [{ proof: "probe", detail }], imageId: "" };
    // With a cause the rules could not be looked at; without one they are not what they must be.
    if (error instanceof HolderError && error.cause === undefined)
      return { kind: "judged", failed: [{ proof: "network_rules", detail }], imageId: "" };
    return { kind: "unanswered", reason: describeFault(error), detail };
  }
}

class ProbeError extends Error {
  override readonly name = "ProbeError";
}

async function prove(o: CanaryOptions): Promise<FailedProof[]> {
  const token = randomBytes(24).toString("base64url");
  const name = `${o.networkName}-canary-${randomBytes(4).toString("hex")}`;
  const names = { listener: `${name}-listener`, wire: `${name}-wire` };
  const port = randomInt(20_000, 30_000);
  const limits = limitProbe(o.limits);
  const setup: SandboxSetup = {
    podman: o.podman,
    imageReference: o.imageReference,
    limits,
    dns: o.dns,
    ...(o.caFile === undefined ? {} : { caFile: o.caFile }),
    ...(o.seccompProfile === undefined ? {} : { seccompProfile: o.seccompProfile }),
    networkName: o.networkName,
    labels: { "catapult.canary": "1" },
    signal: o.signal,
  };
  const own = await readHostAddresses(setup);
  const ranges = chooseAddresses(new Set([...o.dns, ...own, ...Object.values(linkAddresses)]));
  const addresses = ranges.map(({ address }) => address);
  const hits: string[] = [];
  const host = listenOnHost(token);
  const common = { imageReference: o.imageReference, networkName: o.networkName };
  const preparing = (o.prepare ?? prepareSandbox)(setup);
  // Whatever else fails first, it is waited for below.
  preparing.catch(() => undefined);
  try {
    const listener = await startTool(
      o.podman,
      describeListener({ ...common, name: names.listener }, addresses, token, port),
      (line) => line.startsWith("HIT ") && hits.push(line.slice(4)),
    );
    const sandbox = await preparing;
    const [seen, hostAttempts] = await Promise.all([look(sandbox), attemptHost(host, own, port, sandbox.holder)]);
    await listener.says("READY");
    const wire = await startTool(
      o.podman,
      describeWire({ ...common, name: names.wire, holder: seen.holder, listener: names.listener }, addresses),
    );
    await Promise.all([wire.says("WIRED"), listener.says("LINKED")]);
    // It hangs on the holder, which goes with the run.
    await removeContainer(o.podman, names.wire);
    const linked = [...addresses, multicastAddress, linkAddresses.open, linkAddresses.dns];
    const request: ProbeRequest = {
      token,
      attempts: [...attemptLink(addresses, port), ...hostAttempts.attempts],
      linked,
      link: link.probe,
      ...(o.target === undefined ? {} : { target: o.target }),
      pids: limits.pids,
      memoryBytes: limits.memoryBytes,
    };
    const { observations, outOfMemory } = await runProbe(sandbox, request);
    const evidence: Evidence = {
      limits,
      ranges,
      gateway: hostAttempts.gateway,
      own,
      dns: o.dns,
      target: o.target,
      observations,
      hits: [...hits, ...host.hits()],
      outside: seen,
      outOfMemory,
    };
    return judge(evidence);
  } finally {
    host.close();
    const sandbox = await preparing.catch(() => undefined);
    await removeContainer(o.podman, names.wire);
    await Promise.all([sandbox?.release(), removeContainer(o.podman, names.listener)]);
  }
}

/**
 * The profile's limits, but for those that the probe uses up: to fill gigabytes would cost seconds, and the machine's memory. What is in
 * force is one field either way, and it is read back.
 */
function limitProbe(limits: BuildLimits): BuildLimits {
  return {
    ...limits,
    memoryBytes: Math.min(limits.memoryBytes, 256 * 2 ** 20),
    pids: Math.min(limits.pids, 128),
    timeoutMs: 20_000,
  };
}

async function inspect(container: Dockerode.Container): Promise<Dockerode.ContainerInspectInfo> {
  return callPodman("inspect the canary", async () => withDeadline(inspectMs, "inspect the canary", container.inspect()));
}

async function look(sandbox: PreparedSandbox): Promise<Evidence["outside"] & { holder: string }> {
  const [build, holder] = await Promise.all([inspect(sandbox.build), inspect(sandbox.holder)]);
  return {
    holder: holder.Id,
    privileged: build.HostConfig.Privileged === true,
    readOnly: build.HostConfig.ReadonlyRootfs === true,
    mountTypes: build.Mounts.map((mount) => mount.Type ?? "unknown"),
  };
}

/** The gateway of the build's network, this machine's addresses and its loopback, each with a listener where it can have one. */
async function attemptHost(
  host: HostListeners,
  own: readonly string[],
  port: number,
  holder: Dockerode.Container,
): Promise<{ attempts: ProbeRequest["attempts"]; gateway: string }> {
  const { NetworkSettings } = await inspect(holder);
  const gateway = Object.values(NetworkSettings.Networks)[0]?.Gateway ?? "";
  const attempts = await Promise.all(
    [...new Set([gateway, ...own, "127.0.0.1"])]
      .filter((address) => address !== "")
      .map(async (address) => ({ protocol: "tcp" as const, address, port: (await host.listen(address)) ?? port })),
  );
  return { attempts, gateway };
}

function attemptLink(addresses: readonly string[], port: number): ProbeRequest["attempts"] {
  const { open, dns } = linkAddresses;
  return [
    ...[...addresses, open].flatMap((address) => [
      { protocol: "tcp" as const, address, port },
      { protocol: "udp" as const, address, port },
    ]),
    { protocol: "udp", address: multicastAddress, port },
    ...addresses6.map((address) => ({ protocol: "tcp" as const, address, port })),
    { protocol: "tcp", address: dns, port: 53 },
    { protocol: "udp", address: dns, port: 53 },
  ];
}

async function runProbe(
  sandbox: PreparedSandbox,
  request: ProbeRequest,
): Promise<{ observations: Observation[]; outOfMemory: boolean }> {
  const observations: Observation[] = [];
  const said: string[] = [];
  const result = await runPrepared(sandbox, {
    writeSource: () => {
      const tar = pack();
      tar.entry({ name: "probe.mts" }, probeCode);
      tar.entry({ name: "request.json" }, JSON.stringify(request));
      tar.finalize();
      return Readable.from(tar, { objectMode: false });
    },
    rootDir: "",
    command: "node probe.mts",
    outputDir: ".",
    devshell: "default",
    environment: {},
    onLine: (line) => {
      const observation = parseObservation(line);
      if (observation === undefined) said.push(line);
      else observations.push(observation);
    },
  });
  if (result.ok) result.output.destroy();
  if (!observations.some(({ kind }) => kind === "done"))
    throw new ProbeError(
      `The probe did not get to its end: ${result.ok ? "" : result.failure.message} ${said.slice(-5).join(" / ").slice(0, 1000)}`,
    );
  return { observations, outOfMemory: !result.ok && result.failure.reason === "out_of_memory" };
}
