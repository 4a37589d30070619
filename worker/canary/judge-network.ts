import { addresses6, linkAddresses, multicastAddress } from "./choose-addresses.ts";
import { expect, type Evidence, type Findings, type Seen } from "./evidence.ts";
import { format, type Attempt } from "./observation.ts";

/**
 * What the rules themselves answer, and nothing else does in the time of an attempt: reject has the kernel say host unreachable, and a datagram
 * of which no answer is sent, such as one to many, is refused where it is made. A refused connection came from somebody's kernel beyond the
 * rules; silence may be a lost packet, a busy machine or somebody else's rules.
 */
const byRules = ["EHOSTUNREACH", "EPERM"];
/** The rules say that it is not permitted; where IPv6 is off there is no address to send from and no way out. */
const without6 = ["EACCES", "EADDRNOTAVAIL", "ENETUNREACH"];
/** The build's own loopback, on which nobody listens; the machine's would give the token. */
const byOwnLoopback = ["ECONNREFUSED"];

/** What the network of the build let through, and what of it could not be proven. */
export function judgeNetwork(evidence: Evidence, seen: Seen): Findings {
  const { hostLayer } = evidence;
  return {
    ...judgeRanges(evidence, seen),
    ...judgeHost(evidence, seen),
    ...judgeNames(evidence, seen),
    // That it was never there is no fault: the worker may lack the right. Once there it goes by somebody else's doing alone.
    network_host_layer: expect(hostLayer?.lost !== true, `the second layer of rules, on the host, is gone: ${hostLayer?.reason}`),
  };
}

/** What an attempt shows that should have been refused, or why it shows nothing; undefined: the rules refused it. */
function findLeak(
  { hits }: Evidence,
  { attempts, unrouted }: Seen,
  which: (attempt: Attempt) => boolean,
  expected: number,
  refusals: readonly string[] = byRules,
): string | undefined {
  const tried = attempts.filter(which);
  const isHit = (attempt: Attempt): boolean => hits.includes(format(attempt));
  const silent = tried.filter((attempt) => attempt.outcome === "ETIMEDOUT" && !isHit(attempt));
  const leaks = tried.filter((attempt) => !silent.includes(attempt) && (!refusals.includes(attempt.outcome) || isHit(attempt)));
  if (leaks.length > 0) return leaks.map((attempt) => `${format(attempt)}: ${attempt.outcome}`).join("; ");
  if (silent.length > 0)
    return `unproven: nothing answered in time where the rules of the build's network refuse at once: ${silent.map(format).join("; ")}`;
  if (tried.length < expected)
    return `unproven: only ${tried.length} of ${expected} attempts were made; not on the link: ${[...unrouted].join(" ")}`;
  return undefined;
}

function judgeRanges(evidence: Evidence, seen: Seen): Findings {
  const proofs: Findings = {};
  for (const range of new Set(evidence.ranges.map((entry) => entry.range))) {
    const addresses = evidence.ranges.filter((entry) => entry.range === range).map(({ address }) => address);
    const multicast = range === "224.0.0.0/3" ? [multicastAddress] : [];
    proofs[`network_${range}`] = findLeak(
      evidence,
      seen,
      ({ address }) => addresses.includes(address) || multicast.includes(address),
      addresses.length * 2 + multicast.length,
    );
  }
  const leak6 = findLeak(evidence, seen, ({ address }) => address.includes(":"), addresses6.length, without6);
  proofs["network_ipv6"] = leak6 ?? expect(seen.ipv6.length === 0, `it is on at ${seen.ipv6.join(" ")}`);
  const open = seen.attempts.filter(({ address }) => address === linkAddresses.open);
  proofs["network_control"] = expect(
    open.length === 2 && open.every(({ outcome }) => outcome === "token"),
    `an allowed address on the canary's own link: ${open.map((attempt) => `${attempt.protocol} ${attempt.outcome}`).join(", ")}`,
  );
  return proofs;
}

function judgeHost(evidence: Evidence, seen: Seen): Findings {
  return {
    network_gateway: findLeak(evidence, seen, ({ address }) => address === evidence.gateway, 1),
    network_host: findLeak(evidence, seen, ({ address }) => evidence.own.includes(address), evidence.own.length),
    network_loopback: findLeak(evidence, seen, ({ address }) => address === "127.0.0.1", 1, byOwnLoopback),
  };
}

function judgeNames(evidence: Evidence, seen: Seen): Findings {
  const { target, dns } = evidence;
  const network_dns = findLeak(evidence, seen, ({ address }) => address === linkAddresses.dns, 2);
  if (target === undefined) return { network_dns };
  const { resolved = false, connected = false, said = "it was not tried" } = seen.target ?? {};
  return {
    network_dns,
    network_resolver: expect(resolved, `${dns.join(" ")} did not resolve ${target.host}: ${said}`),
    network_target: expect(!resolved || connected, `${target.host}:${target.port} does not answer: ${said}`),
  };
}
