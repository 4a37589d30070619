import { randomBytes, randomInt } from "node:crypto";
import { errorMessage } from "#common/error-details.ts";
import { settleAll } from "#worker/podman/settle-all.ts";
import { openFiles } from "#worker/sandbox/container-options.ts";
import { findImageId } from "#worker/sandbox/create-holder.ts";
import type { HostLayer } from "#worker/sandbox/host-layer.ts";
import { prepareSandbox, type PreparedSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { readHostAddresses } from "#worker/sandbox/read-host-addresses.ts";
import { removeContainer } from "#worker/sandbox/release-sandbox.ts";
import { canaryLabel } from "#worker/sandbox/sandbox-labels.ts";
import type { SandboxSetup } from "#worker/sandbox/sandbox-types.ts";
import { HolderError } from "#worker/sandbox/start-holder.ts";
import { chooseAddresses, linkAddresses, multicastAddress } from "./choose-addresses.ts";
import type { CanaryOutcome } from "./create-canary.ts";
import { describeListener, describeWire, link } from "./describe-containers.ts";
import { describeFault } from "./describe-fault.ts";
import { inspectSandbox } from "./inspect-sandbox.ts";
import { judge, type FailedProof } from "./judge.ts";
import { attemptHost, attemptLink } from "./list-attempts.ts";
import { listenOnHost } from "./listen-on-host.ts";
import type { ProbeRequest } from "./observation.ts";
import { compatCall, refusedCalls } from "./refused-calls.ts";
import { limitProbe, ProbeError, runProbe } from "./run-probe.ts";
import { startTool } from "./start-tool.ts";

export type CanaryOptions = Omit<SandboxSetup, "labels"> & {
  /** What builds must reach outside. Undefined: nothing. */
  target: { host: string; port: number } | undefined;
  /** The second layer of rules, on the host: where it was once in force, it must still be. */
  hostLayer?: Pick<HostLayer, "ensure" | "observe" | "look">;
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
    labels: { [canaryLabel]: "1" },
    signal: o.signal,
  };
  const own = await readHostAddresses(setup);
  const ranges = chooseAddresses(new Set([...o.dns, ...own, ...Object.values(linkAddresses)]));
  const addresses = ranges.map(({ address }) => address);
  const hits: string[] = [];
  const host = listenOnHost(token);
  const common = { imageReference: o.imageReference, networkName: o.networkName };
  await o.hostLayer?.ensure();
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
    await o.hostLayer?.observe(sandbox.bridge);
    const { holder, gateway, outside } = await inspectSandbox(sandbox);
    const hostAttempts = await attemptHost(host, own, port, gateway);
    await listener.says("READY");
    const wire = await startTool(
      o.podman,
      describeWire({ ...common, name: names.wire, holder, listener: names.listener }, addresses),
    );
    await Promise.all([wire.says("WIRED"), listener.says("LINKED")]);
    // It hangs on the holder, which goes with the run.
    await removeContainer(o.podman, names.wire);
    const linked = [...addresses, multicastAddress, linkAddresses.open, linkAddresses.dns];
    const request: ProbeRequest = {
      token,
      attempts: [...attemptLink(addresses, port), ...hostAttempts],
      linked,
      link: link.probe,
      ...(o.target === undefined ? {} : { target: o.target }),
      calls: refusedCalls,
      compatCall,
      files: openFiles,
      pids: limits.pids,
      memoryBytes: limits.memoryBytes,
    };
    const { observations, outOfMemory } = await runProbe(sandbox, request);
    const hostLayer = await o.hostLayer?.look();
    return judge({
      limits,
      ranges,
      gateway,
      own,
      dns: o.dns,
      target: o.target,
      observations,
      hits: [...hits, ...host.hits()],
      outside,
      outOfMemory,
      ...(hostLayer === undefined ? {} : { hostLayer }),
    });
  } finally {
    host.close();
    const sandbox = await preparing.catch(() => undefined);
    // Each is tried, and owed, whatever becomes of the others; the sandbox goes after the wire that hangs on it.
    const removeWire = async (): Promise<void> => {
      try {
        await removeContainer(o.podman, names.wire);
      } finally {
        await sandbox?.release();
      }
    };
    await settleAll([removeWire(), removeContainer(o.podman, names.listener)]);
  }
}
