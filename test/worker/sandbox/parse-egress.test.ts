import { expect, test } from "vitest";
import { egressLimit, otherAddress, parseEgress } from "#worker/sandbox/parse-egress.ts";

function listing(
  elements: { address: string; protocol: string | number; port: number; bytes: number }[],
  totals: Record<string, number>,
) {
  return JSON.stringify({
    nftables: [
      { metainfo: { version: "1.1.3" } },
      ...Object.entries(totals).map(([name, bytes]) => ({ counter: { name: `${name}_total`, packets: 1, bytes } })),
      {
        set: {
          name: "egress",
          elem: elements.map(({ address, protocol, port, bytes }) => ({
            elem: { val: { concat: [address, protocol, port] }, counter: { packets: 1, bytes } },
          })),
        },
      },
      { chain: { name: "output" } },
    ],
  });
}

test("destinations are told with the most bytes first, and nothing is added to them when all are told", () => {
  const elements = [
    { address: "203.0.113.1", protocol: 17, port: 53, bytes: 60 },
    { address: "203.0.113.2", protocol: "tcp", port: 443, bytes: 5000 },
    { address: "203.0.113.3", protocol: "icmp", port: 0, bytes: 84 },
  ];
  expect(parseEgress(listing(elements, { tcp: 5000, udp: 60, icmp: 84 }))).toEqual([
    { address: "203.0.113.2", port: 443, protocol: "tcp", bytes: 5000n },
    { address: "203.0.113.3", port: 0, protocol: "icmp", bytes: 84n },
    { address: "203.0.113.1", port: 53, protocol: "udp", bytes: 60n },
  ]);
});

test("however many destinations there are, the summary is bounded and no byte is missing in it", () => {
  const elements = Array.from({ length: 1024 }, (_, index) => ({
    address: `203.0.113.${index % 250}`,
    protocol: index % 2 === 0 ? "tcp" : "udp",
    port: 1000 + index,
    bytes: 100 + index,
  }));
  const totals = { tcp: 10_000_000, udp: 20_000_000, icmp: 0 };
  const egress = parseEgress(listing(elements, totals));
  expect(egress.length).toBeLessThanOrEqual(egressLimit);
  expect(egress.reduce((sum, each) => sum + each.bytes, 0n)).toBe(30_000_000n);
  expect(egress.filter((each) => each.address === otherAddress).map((each) => each.protocol)).toEqual(["udp", "tcp"]);
});

test("what is no destination is left out, and what is no listing throws", () => {
  const odd = [
    { address: "::1", protocol: "tcp", port: 1, bytes: 1 },
    { address: "203.0.113.1", protocol: "sctp", port: 1, bytes: 1 },
    { address: "203.0.113.1", protocol: "tcp", port: 1, bytes: -1 },
  ];
  expect(parseEgress(listing(odd, {}))).toEqual([{ address: "203.0.113.1", port: 1, protocol: "tcp", bytes: 0n }]);
  expect(parseEgress("{}")).toEqual([]);
  expect(() => parseEgress("")).toThrow(SyntaxError);
});
