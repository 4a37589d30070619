import { createHash } from "node:crypto";
import type { NetworkInterfaceInfo } from "node:os";

export type Subnet = { cidr: string; gateway: string };

/** Builds' networks lie here: within 10/8, which every build is barred from, and away from Podman's and Docker's own choices. */
const base = toNumber("10.192.0.0");
const count = 2 ** 17;
/** A gateway and a holder are all there is in one. */
const prefix = 29;
const size = 2 ** (32 - prefix);

/** A subnet for one build: spread by a hash, so that two Catapults on one machine hardly ever meet; `attempt` gives another one. */
export function chooseSubnet(seed: string, attempt: number): Subnet {
  const index = createHash("sha256").update(`${seed} ${attempt}`).digest().readUInt32BE(0) % count;
  const first = base + index * size;
  return { cidr: `${toAddress(first)}/${prefix}`, gateway: toAddress(first + 1) };
}

/** Bridge names may have 15 characters. The seven of the prefix tell whose it is. */
export function chooseBridge(networkName: string, id: string): string {
  return `${bridgePrefix(networkName)}${id.slice(0, 8)}`;
}

export function bridgePrefix(networkName: string): string {
  return `ct${createHash("sha256").update(networkName).digest("hex").slice(0, 5)}`;
}

/** The machine's own IPv4 addresses, other than loopback. */
export function listOwnAddresses(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string[] {
  return Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === "IPv4" && !entry.internal)
    .map((entry) => entry.address);
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}
