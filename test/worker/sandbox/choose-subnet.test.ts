import { assert, nat, property, string } from "fast-check";
import { expect, test } from "vitest";
import { chooseBridge, chooseSubnet, listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";

test("every subnet lies in the range that builds are barred from, on its own boundary, with the gateway in it", () => {
  assert(
    property(string(), nat(20), (seed, attempt) => {
      const { cidr, gateway } = chooseSubnet(seed, attempt);
      const [, a, b, , d] = /^10\.(\d+)\.(\d+)\.(\d+)\/29$/.exec(cidr)?.map(Number) ?? [0, 0, 0, 0, 0, 0];
      const last = Number(cidr.split("/")[0]?.split(".")[3]);
      expect(a).toBeGreaterThanOrEqual(192);
      expect(last % 8).toBe(0);
      expect([b, d].every((part) => part === undefined || part < 256)).toBe(true);
      expect(gateway).toBe(cidr.replace(/\d+\/29$/, String(last + 1)));
    }),
  );
});

test("another attempt gives another subnet", () => {
  expect(chooseSubnet("a", 1)).not.toEqual(chooseSubnet("a", 0));
});

test("a bridge's name fits into the kernel's 15 characters and tells owners apart", () => {
  const one = chooseBridge("a-very-long-name-of-a-network", "0123456789ab");
  expect(one.length).toBeLessThanOrEqual(15);
  expect(chooseBridge("another", "0123456789ab")).not.toBe(one);
});

test("own addresses are those of IPv4 that are not loopback", () => {
  const entry = { netmask: "", mac: "", cidr: null };
  expect(
    listOwnAddresses({
      lo: [{ ...entry, family: "IPv4", address: "127.0.0.1", internal: true }],
      eth0: [
        { ...entry, family: "IPv4", address: "203.0.113.7", internal: false },
        { ...entry, family: "IPv6", address: "2001:db8::7", internal: false, scopeid: 0 },
      ],
    }),
  ).toEqual(["203.0.113.7"]);
});
