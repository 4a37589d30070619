import type { HostListeners } from "./listen-on-host.ts";
import { addresses6, linkAddresses, multicastAddress } from "./choose-addresses.ts";
import type { ProbeRequest } from "./observation.ts";

/** The gateway of the build's network, this machine's addresses and its loopback, each with a listener where it can have one. */
export async function attemptHost(
  host: HostListeners,
  own: readonly string[],
  port: number,
  gateway: string,
): Promise<ProbeRequest["attempts"]> {
  return Promise.all(
    [...new Set([gateway, ...own, "127.0.0.1"])]
      .filter((address) => address !== "")
      .map(async (address) => ({ protocol: "tcp" as const, address, port: (await host.listen(address)) ?? port })),
  );
}

/** On the canary's own link: what is barred, and one address that is not. */
export function attemptLink(addresses: readonly string[], port: number): ProbeRequest["attempts"] {
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
