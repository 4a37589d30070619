import { readFileSync } from "node:fs";
import type Dockerode from "dockerode";
import { buildUser } from "#worker/sandbox/container-options.ts";
import { canaryLabel, roleLabel, sandboxLabel, type Role } from "#worker/sandbox/sandbox-labels.ts";
import { addresses6, linkAddresses, multicastAddress } from "./choose-addresses.ts";

/** The canary's link: one end lies in the network of the build, the other in the listener's, which has no other. */
export const link = { probe: "canary0", listener: "canary1" };

export type ListenRequest = {
  token: string;
  port: number;
  addresses: string[];
  addresses6: string[];
  /** Must answer the build, by every port but 53. */
  open: string;
  /** Must not, by port 53: it is none of the resolvers. */
  dns: string;
  multicast: string;
  link: string;
  ends: { probe: string; listener: string };
};

const listenCode = readFileSync(new URL("inside/listen.ts", import.meta.url), "utf8");

type Common = { imageReference: string; networkName: string; name: string };

/** As little as the sandbox's own containers have; they may set up links, in networks that hold nothing but the canary. */
function describe(o: Common, role: Role, entrypoint: string[], host: Dockerode.HostConfig): Dockerode.ContainerCreateOptions {
  return {
    name: o.name,
    Image: o.imageReference,
    Entrypoint: entrypoint,
    Cmd: [],
    User: `${buildUser}:${buildUser}`,
    Env: [],
    Labels: { [sandboxLabel]: o.networkName, [roleLabel]: role, [canaryLabel]: "1" },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      CapAdd: ["NET_ADMIN"],
      SecurityOpt: ["no-new-privileges"],
      LogConfig: { Type: "none", Config: {} },
      Memory: 256 * 2 ** 20,
      MemorySwap: 256 * 2 ** 20,
      PidsLimit: 64,
      ...host,
    },
  };
}

export function describeListener(o: Common, addresses: string[], token: string, port: number): Dockerode.ContainerCreateOptions {
  const request: ListenRequest = {
    token,
    port,
    addresses,
    addresses6: [...addresses6],
    open: linkAddresses.open,
    dns: linkAddresses.dns,
    multicast: multicastAddress,
    link: link.listener,
    ends: linkAddresses,
  };
  const entrypoint = ["/usr/local/bin/node", "--input-type=module-typescript", "-e", listenCode, JSON.stringify(request)];
  return describe(o, "holder", entrypoint, {
    NetworkMode: "none",
    // For DNS's port.
    Sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
  });
}

/**
 * Lays the link from inside the build's network into the listener's, whose process it sees as number 1. IPv6 is off in the build's network:
 * where that is so, its addresses are refused, and the probe tries without.
 */
export function describeWire(
  o: Common & { holder: string; listener: string },
  addresses: readonly string[],
): Dockerode.ContainerCreateOptions {
  const { probe, open, dns } = linkAddresses;
  const lines = [
    `link add ${link.probe} type veth peer name ${link.listener}`,
    `link set ${link.listener} netns 1`,
    `addr add ${probe}/32 dev ${link.probe}`,
    `link set ${link.probe} up`,
    ...[...addresses, open, dns, multicastAddress].map((address) => `route add ${address}/32 dev ${link.probe} src ${probe}`),
  ];
  const lines6 = [
    `addr add fd00:cafe::1/128 dev ${link.probe} nodad`,
    ...addresses6.map((address) => `route add ${address}/128 dev ${link.probe}`),
  ];
  const script = 'set -e; ip -batch - <<<"$1"; ip -6 -force -batch - <<<"$2" >/dev/null 2>&1 || true; echo WIRED';
  return describe(o, "build", ["/bin/bash", "-c", script, "wire", lines.join("\n"), lines6.join("\n")], {
    NetworkMode: `container:${o.holder}`,
    PidMode: `container:${o.listener}`,
  });
}
