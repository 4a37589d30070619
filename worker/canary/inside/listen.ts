// Holds addresses out of every range that builds are barred from, on a link of the canary's own, and tells who reached one.
import { spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ListenRequest } from "../describe-containers.ts";

const request: ListenRequest = JSON.parse(process.argv[1] ?? "{}");
let isLinked = false;

function say(line: string): void {
  writeFileSync(1, `${line}\n`);
}

function configure(lines: string[]): void {
  const { status, stderr } = spawnSync("ip", ["-batch", "-"], { input: lines.join("\n"), encoding: "utf8" });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}

function hit(protocol: string, address: string, port: number): void {
  if (isLinked) say(`HIT ${protocol} ${address.replace("::ffff:", "")} ${port}`);
}

/** Whether an address answers, asked from here: the proof that a probe without an answer met the rules and nothing else. */
async function check(address: string): Promise<void> {
  const socket = connect({ host: address, port: request.port });
  const [data] = await once(socket, "data");
  socket.destroy();
  if (String(data) !== request.token) throw new Error(`${address} does not answer`);
}

const all = [...request.addresses, request.open, request.dns];
configure([
  "link set lo up",
  ...all.map((address) => `addr add ${address}/32 dev lo`),
  ...request.addresses6.map((address) => `addr add ${address}/128 dev lo nodad`),
]);
for (const port of [request.port, 53]) {
  const server = createServer((socket) => {
    hit("tcp", socket.localAddress ?? "", port);
    socket.on("error", () => undefined);
    socket.end(request.token);
  });
  server.listen(port, "::");
  await once(server, "listening");
}
async function listenUdp(address: string, port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (_, from) => {
    hit("udp", address, port);
    socket.send(request.token, from.port, from.address);
  });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}
await Promise.all(all.map((address) => listenUdp(address, request.port)));
await listenUdp(request.dns, 53);
const multicast = await listenUdp(request.multicast, request.port);
await Promise.all([...all, ...request.addresses6].map(check));
say("READY");
while (!existsSync(`/sys/class/net/${request.link}`)) await sleep(5);
configure([
  `link set ${request.link} up`,
  `addr add ${request.ends.listener}/32 dev ${request.link}`,
  `route add ${request.ends.probe}/32 dev ${request.link}`,
]);
multicast.addMembership(request.multicast, request.ends.listener);
isLinked = true;
say("LINKED");
