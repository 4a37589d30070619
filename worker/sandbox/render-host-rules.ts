import { bridgePrefix } from "./choose-subnet.ts";
import { blockedRanges, checkAddresses, renderResolvers } from "./render-rules.ts";

/** The name of one worker's table on Podman's host. */
export function hostTable(networkName: string): string {
  return `catapult_${bridgePrefix(networkName)}`;
}

/**
 * Rules of Podman's host for whatever comes out of one worker's bridges: nothing to the host itself, nothing to the ranges that are
 * blocked, no IPv6; the resolvers excepted. The table replaces one of its name in one step. A drop here is final, an accept leaves
 * the packet to the tables of others.
 */
export function renderHostRules(o: { networkName: string; dns: readonly string[] }): string {
  checkAddresses(o.dns);
  const table = hostTable(o.networkName);
  const bridges = `"${bridgePrefix(o.networkName)}*"`;
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    "  chain forward {",
    "    type filter hook forward priority -10; policy accept;",
    `    iifname ${bridges} jump out`,
    "  }",
    "  chain input {",
    "    type filter hook input priority -10; policy accept;",
    `    iifname ${bridges} jump in`,
    "  }",
    "  chain out {",
    ...renderResolvers(o.dns),
    "    meta nfproto ipv6 drop",
    `    ip daddr { ${blockedRanges.join(", ")} } drop`,
    "  }",
    "  chain in {",
    ...renderResolvers(o.dns),
    "    drop",
    "  }",
    "}",
    "",
  ].join("\n");
}
