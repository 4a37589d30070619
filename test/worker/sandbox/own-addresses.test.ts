import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";
import { parseLocalRoutes, readOwnAddresses } from "#worker/sandbox/own-addresses.ts";

test("an address counts as this machine's own wherever it stands: also on the loopback and on a link without a carrier", () => {
  const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 203.0.113.9
        /32 host LOCAL
     +-- 198.51.100.0/24 2 0 2
        |-- 198.51.100.0
           /24 link UNICAST
        |-- 198.51.100.7
           /32 host LOCAL
        |-- 198.51.100.255
           /32 link BROADCAST
`;
  expect(parseLocalRoutes(trie)).toEqual(["203.0.113.9", "198.51.100.7"]);
});

test("the addresses of the links that are up are among them", async () => {
  expect(await readOwnAddresses()).toEqual(expect.arrayContaining(listOwnAddresses(networkInterfaces())));
});
