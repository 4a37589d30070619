import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { build } from "./harness.ts";
import { makeOwnLink, type OwnLink } from "./own-link.ts";

let podman: TestPodman;
let link: OwnLink;
beforeAll(async () => {
  podman = await useTestPodman();
  link = await makeOwnLink("198.51.100");
}, podmanHookTimeout);
afterAll(async () => {
  await link.remove();
  await podman.release();
});

const [datagrams, size, upload] = [20, 1000, 300_000];

function sender(exitCode: number): string {
  return `
    const net = require("node:net"), dgram = require("node:dgram"), { address, port } = ${JSON.stringify(link)};
    const udp = dgram.createSocket("udp4");
    (async () => {
      for (let index = 0; index < ${datagrams}; index += 1)
        await new Promise((resolve) => udp.send(Buffer.alloc(${size}), port, address, resolve));
      const socket = net.connect(port, address);
      socket.on("data", () => {}).on("close", () => process.exit(${exitCode}));
      socket.end(Buffer.alloc(${upload}));
    })();`;
}

test.each([
  ["succeeds", 0],
  ["fails", 1],
])("where a build that %s sent its packets is told to the byte", async (_, exitCode) => {
  const before = await link.received();
  const { failure, result } = await build(podman, {
    files: { "send.cjs": sender(exitCode) },
    command: "node send.cjs && mkdir out && echo x >out/x",
  });
  expect(failure?.reason).toBe(exitCode === 0 ? undefined : "command_failed");
  const after = await link.received();
  expect(after.udpBytes - before.udpBytes).toBe(datagrams * size);
  expect(after.tcpBytes - before.tcpBytes).toBe(upload);

  const egress = (await result.egress) ?? [];
  const sent = egress.filter(({ address, port }) => address === link.address && port === link.port);
  expect(sent.map(({ protocol }) => protocol)).toEqual(["tcp", "udp"]);
  // With 20 bytes of IP and 8 of UDP each; of TCP as many headers as the kernel made packets of it.
  expect(sent.find(({ protocol }) => protocol === "udp")?.bytes).toBe(BigInt(datagrams * (size + 28)));
  const tcp = Number(sent.find(({ protocol }) => protocol === "tcp")?.bytes);
  expect(tcp).toBeGreaterThan(upload);
  expect(tcp).toBeLessThan(upload * 1.1);
  const { dns } = readSurroundings();
  expect(egress.filter(({ address }) => address !== link.address && !dns.includes(address))).toEqual([]);
});

test("a build that sends to more places than are counted one by one is told in bounds, and no byte is missing", async () => {
  const count = 1500;
  const script = `
    const udp = require("node:dgram").createSocket("udp4");
    (async () => {
      for (let port = 2000; port < 2000 + ${count}; port += 1)
        await new Promise((resolve) => udp.send(Buffer.alloc(72), port, "${link.address}", resolve));
      process.exit(1);
    })();`;
  const { result } = await build(podman, { files: { "send.cjs": script }, command: "node send.cjs" });
  const egress = (await result.egress) ?? [];
  expect(egress.length).toBeLessThanOrEqual(200);
  const { dns } = readSurroundings();
  const ofScript = egress.filter(({ address, protocol }) => protocol === "udp" && !dns.includes(address));
  expect(ofScript.reduce((sum, { bytes }) => sum + bytes, 0n)).toBe(BigInt(count * 100));
});
