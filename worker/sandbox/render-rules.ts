import { isIPv4 } from "node:net";

/** Nothing of these is the public internet: this host, private networks, link-local with cloud metadata, carriers, tests, multicast. */
export const blockedRanges = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
] as const;

/** A build's rules cannot be made from the settings given. */
export class RulesError extends Error {
  override readonly name = "RulesError";
}

/** How many destinations of a build are counted one by one; what goes to others is in the totals alone. */
export const countedDestinations = 1024;

/**
 * The nftables rules of a build's network. Both policies are drop, so what no rule names does not pass; rejecting what is known to be
 * blocked only makes it fail at once instead of after a timeout. They act on real addresses, so no DNS answer gets around them.
 * What passed is counted after the decision, so that nothing in the count can change it: a full set counts no further destination.
 */
export function renderRules(o: { dns: readonly string[]; ownAddresses: readonly string[] }): string {
  checkAddresses([...o.dns, ...o.ownAddresses]);
  const own = [...new Set(o.ownAddresses)].map((address) => `    ip daddr ${address} reject with icmpx type host-unreachable`);
  return [
    "table inet catapult {",
    "  set egress {",
    "    type ipv4_addr . inet_proto . inet_service",
    "    flags dynamic",
    `    size ${countedDestinations}`,
    "    counter",
    "  }",
    ...["tcp", "udp", "icmp"].flatMap((protocol) => [`  counter ${protocol}_total {`, "  }"]),
    "  chain output {",
    "    type filter hook output priority 0; policy drop;",
    '    oifname "lo" accept',
    "    ct state established,related accept",
    "    meta nfproto ipv6 reject with icmpx type admin-prohibited",
    ...renderResolvers(o.dns),
    // Names are asked of the resolvers that were configured, and of no other, wherever it is.
    "    udp dport 53 reject with icmpx type admin-prohibited",
    "    tcp dport 53 reject with icmpx type admin-prohibited",
    `    ip daddr { ${blockedRanges.join(", ")} } reject with icmpx type host-unreachable`,
    ...own,
    "    meta l4proto { tcp, udp, icmp } accept",
    "  }",
    "  chain count {",
    "    type filter hook output priority 10; policy accept;",
    '    oifname "lo" accept',
    '    meta l4proto tcp counter name "tcp_total"',
    '    meta l4proto udp counter name "udp_total"',
    '    meta l4proto icmp counter name "icmp_total"',
    "    meta l4proto { tcp, udp } update @egress { ip daddr . meta l4proto . th dport }",
    "    meta l4proto icmp update @egress { ip daddr . meta l4proto . 0 }",
    "  }",
    "  chain input {",
    "    type filter hook input priority 0; policy drop;",
    '    iifname "lo" accept',
    "    ct state established,related accept",
    "  }",
    "  chain forward {",
    "    type filter hook forward priority 0; policy drop;",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Only these may be asked for names, and nothing else of theirs. */
export function renderResolvers(dns: readonly string[]): string[] {
  return [...new Set(dns)].flatMap((address) => [
    `    ip daddr ${address} udp dport 53 accept`,
    `    ip daddr ${address} tcp dport 53 accept`,
  ]);
}

export function checkAddresses(addresses: readonly string[]): void {
  for (const address of addresses)
    if (!isIPv4(address)) throw new RulesError(`${JSON.stringify(address)} is not an IPv4 address; builds have no IPv6`);
}
