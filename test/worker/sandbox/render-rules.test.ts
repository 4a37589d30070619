import { expect, test } from "vitest";
import { blockedRanges, renderRules, RulesError } from "#worker/sandbox/render-rules.ts";

test("both policies drop, and a resolver is allowed before its range is refused", () => {
  const rules = renderRules({ dns: ["10.0.0.53"], ownAddresses: ["203.0.113.7"] });
  expect(rules.match(/policy drop/g)).toHaveLength(3);
  expect(rules.indexOf("ip daddr 10.0.0.53 udp dport 53 accept")).toBeLessThan(rules.indexOf("10.0.0.0/8"));
  expect(rules.indexOf("ip daddr 203.0.113.7 reject")).toBeLessThan(rules.indexOf("l4proto { tcp, udp, icmp } accept"));
});

test("nothing but IPv4 addresses gets into the rules", () => {
  for (const bad of ["", "::1", "1.2.3.4/8", "1.2.3", "1.1.1.1; flush ruleset", "{ 0.0.0.0/0 }"]) {
    expect(() => renderRules({ dns: [bad], ownAddresses: [] })).toThrow(RulesError);
    expect(() => renderRules({ dns: [], ownAddresses: [bad] })).toThrow(RulesError);
  }
});

test("every range that is not the public internet is blocked, and IPv6 is refused whole", () => {
  const ranges =
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/3";
  expect(blockedRanges.join(" ")).toBe(ranges);
  const output = /chain output [^]*?\n  }/.exec(renderRules({ dns: [], ownAddresses: [] }))?.[0];
  expect(output).toContain(`ip daddr { ${ranges.replaceAll(" ", ", ")} } reject`);
  expect(output).toContain("meta nfproto ipv6 reject");
});
