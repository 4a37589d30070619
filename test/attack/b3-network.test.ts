import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attack } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { execInside } from "#worker/sandbox/exec-inside.ts";
import { listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";

let podman: TestPodman;
let tcp: Server;
let udp: Socket;
let port: number;
let hits: string[] = [];
beforeAll(async () => {
  podman = await useTestPodman();
  // On every address of this machine: its own, and the gateway of each build's network as soon as it is there.
  tcp = createServer((socket) => {
    hits.push(`tcp ${socket.remoteAddress}`);
    socket.end("canary");
  });
  await new Promise<void>((resolve) => tcp.listen(0, "::", resolve));
  const address = tcp.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  udp = createSocket({ type: "udp6", ipv6Only: false });
  udp.on("message", (_, from) => {
    hits.push(`udp ${from.address}`);
    udp.send("canary", from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(port, "::", resolve));
}, podmanHookTimeout);
afterAll(async () => {
  tcp.close();
  udp.close();
  await podman.release();
});

/** Inside: tells what came of a TCP connection and of a datagram to each target; `gateway` is the network's own. */
const probe = `
const net = require("node:net"), dgram = require("node:dgram"), fs = require("node:fs");
const row = fs.readFileSync("/proc/net/route", "utf8").split("\\n").map((l) => l.split("\\t")).find((f) => f[1] === "00000000");
const gateway = row?.[2].match(/../g).map((h) => parseInt(h, 16)).reverse().join(".");
const [port, ...targets] = process.argv.slice(2);
const tcp = (host) => new Promise((done) => net.connect({ host, port, timeout: 4000 })
  .on("connect", () => done("connected")).on("timeout", () => done("timeout")).on("error", (e) => done(e.code)));
const udp = (host) => new Promise((done) => {
  const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", () => done("answered")).on("error", (e) => done(e.code));
  // Not bound yet, some systems refuse it; what is asked here is whether the packet goes out.
  try { socket.setBroadcast?.(true); } catch {}
  socket.send("x", port, host, (e) => e ? done(e.code) : setTimeout(() => done("silence"), 700));
});
(async () => {
  await Promise.all(targets.map(async (target) => {
    const host = target === "gateway" ? gateway : target;
    console.log("probe", target, await tcp(host), await udp(host));
  }));
  process.exit(0);
})();`;

test("B3 neither TCP nor UDP reaches this machine, its gateways, a broadcast or IPv6, where listeners wait on all addresses", async () => {
  hits = [];
  const own = listOwnAddresses(networkInterfaces());
  const targets = ["gateway", ...own, "255.255.255.255", "fe80::1%eth0", "ff02::1%eth0", "::ffff:169.254.169.254"];
  const { lines, failure } = await attack(podman, {
    files: { "probe.cjs": probe },
    command: `node probe.cjs ${port} ${targets.join(" ")}; mkdir out; echo x >out/x`,
  });
  expect(failure).toBeUndefined();
  const outcomes = lines.filter((line) => line.startsWith("probe ")).map((line) => line.split(" ").slice(1));
  expect(outcomes).toHaveLength(targets.length);
  for (const [target, ...answers] of outcomes)
    for (const answer of answers) expect([target, answer]).not.toEqual([target, expect.stringMatching(/connected|answered/)]);
  const ours = outcomes.filter(([target = ""]) => target === "gateway" || own.includes(target));
  for (const [target, answer] of ours) expect([target, answer]).toEqual([target, "EHOSTUNREACH"]);
  expect(hits).toEqual([]);
});

test("B3 one build does not reach another that listens", async () => {
  const server = `
    require("node:net").createServer((s) => { console.log("MET"); s.end("x"); }).listen(8080, "0.0.0.0", () =>
      console.log("at", Object.values(require("node:os").networkInterfaces()).flat().find((a) => a.family === "IPv4" && !a.internal).address));
    require("node:fs").mkdirSync("out"); require("node:fs").writeFileSync("out/x", "x");
    setInterval(() => require("node:fs").existsSync("/build/tmp/tried") && process.exit(0), 100);`;
  let tried: string | undefined;
  const { text, failure } = await attack(podman, {
    files: { "server.cjs": server },
    command: "node server.cjs",
    when: {
      says: "at 10.",
      run: async (watch, line) => {
        const address = line.slice("at ".length);
        const other = await attack(podman, {
          files: { "probe.cjs": probe },
          command: `node probe.cjs 8080 ${address}; mkdir out; echo x >out/x`,
        });
        tried = other.lines.at(-1);
        await execInside(watch.find("build"), ["touch", "/build/tmp/tried"], 1000);
      },
    },
  });
  expect(failure).toBeUndefined();
  expect(tried).toMatch(/^probe 10\.[0-9.]+ EHOSTUNREACH (EHOSTUNREACH|EPERM)$/);
  expect(text).not.toContain("MET");
});
