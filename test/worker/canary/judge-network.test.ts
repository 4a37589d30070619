import { expect, test } from "vitest";
import { addresses6, chooseAddresses, linkAddresses, multicastAddress } from "#worker/canary/choose-addresses.ts";
import { sort, type Evidence } from "#worker/canary/evidence.ts";
import { judgeNetwork } from "#worker/canary/judge-network.ts";
import type { Attempt } from "#worker/canary/observation.ts";

const gateway = "10.200.0.1";
const own = "192.0.2.7";
const ranges = chooseAddresses(new Set());
const addresses = ranges.map(({ address }) => address);

/** What the probe tells of a network whose rules are all there. */
const refused: Attempt[] = [
  ...[...addresses, linkAddresses.dns, gateway, own].map((address) => attempt("tcp", address, "EHOSTUNREACH")),
  ...[...addresses, linkAddresses.dns, multicastAddress].map((address) => attempt("udp", address, "EPERM")),
  ...addresses6.map((address) => attempt("tcp", address, "EADDRNOTAVAIL")),
  attempt("tcp", "127.0.0.1", "ECONNREFUSED"),
  attempt("tcp", linkAddresses.open, "token"),
  attempt("udp", linkAddresses.open, "token"),
];

function attempt(protocol: "tcp" | "udp", address: string, outcome: string): Attempt {
  return { protocol, address, port: 1, outcome };
}

function judgeAttempts(attempts: Attempt[], hits: string[] = []): Record<string, string> {
  const evidence: Evidence = {
    limits: { memoryBytes: 1, diskBytes: 1, cpus: 1, pids: 1, timeoutMs: 1 },
    ranges,
    gateway,
    own: [own],
    dns: [],
    target: undefined,
    observations: attempts.map((each) => ({ kind: "attempt", attempt: each })),
    hits,
    outside: { privileged: false, readOnly: true, mountTypes: [] },
    outOfMemory: true,
  };
  const found: Record<string, string> = {};
  for (const [proof, detail] of Object.entries(judgeNetwork(evidence, sort(evidence.observations))))
    if (detail !== undefined) found[proof] = detail;
  return found;
}

const answer = (at: string, outcome: string): Attempt[] =>
  refused.map((each) => (each.address === at && each.protocol === "tcp" ? { ...each, outcome } : each));

test("What the rules answer is a proof", () => {
  expect(judgeAttempts(refused)).toEqual({});
});

test.each([
  ["network_gateway", gateway],
  ["network_host", own],
  ["network_10.0.0.0/8", "10.0.0.1"],
  ["network_dns", linkAddresses.dns],
  ["network_ipv6", addresses6[0]],
  ["network_loopback", "127.0.0.1"],
])("Silence is no refusal: %s is unproven, and its message says so", (proof, address) => {
  const found = judgeAttempts(answer(address, "ETIMEDOUT"));
  expect(Object.keys(found)).toEqual([proof]);
  expect(found[proof]).toContain(
    `unproven: nothing answered in time where the rules of the build's network refuse at once: tcp ${address} 1`,
  );
});

test.each(["ECONNREFUSED", "connected", "token", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "ECONNRESET"])(
  "An answer that the rules do not give is a leak: %s",
  (outcome) => {
    for (const [proof, address] of [
      ["network_gateway", gateway],
      ["network_host", own],
    ] as const)
      expect(judgeAttempts(answer(address, outcome))).toEqual({ [proof]: `tcp ${address} 1: ${outcome}` });
  },
);

test("A listener that was reached is a leak, whatever the probe was answered", () => {
  expect(judgeAttempts(answer(gateway, "ETIMEDOUT"), [`tcp ${gateway} 1`])).toEqual({
    network_gateway: `tcp ${gateway} 1: ETIMEDOUT`,
  });
});

test("An attempt that was not made proves nothing", () => {
  const found = judgeAttempts(refused.filter(({ address }) => address !== own));
  expect(found).toEqual({ network_host: expect.stringMatching(/^unproven: only 0 of 1 attempts/) });
});
