import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";

export type OwnLink = {
  /** Of a listener behind the link, in a network namespace of its own: packets to it are forwarded, as those to the internet are. */
  address: string;
  /** For TCP and UDP. */
  port: number;
  /** What the listener has got so far. */
  received(): Promise<{ connections: number; tcpBytes: number; udpBytes: number }>;
  remove(): Promise<void>;
};

const listener = `
  const net = require("node:net"), dgram = require("node:dgram");
  const got = { connections: 0, tcpBytes: 0, udpBytes: 0 };
  const udp = dgram.createSocket("udp4").on("message", (message) => (got.udpBytes += message.length));
  const tcp = net.createServer({ allowHalfOpen: true }, (socket) => {
    got.connections += 1;
    socket.on("data", (data) => (got.tcpBytes += data.length)).on("end", () => socket.end("got it")).on("error", () => {});
  });
  tcp.listen(0, "0.0.0.0", () => udp.bind(tcp.address().port, "0.0.0.0", () => console.log(JSON.stringify({ port: tcp.address().port }))));
  process.stdin.on("data", () => console.log(JSON.stringify(got))).on("end", () => process.exit(0));
`;

/** Makes a link between this machine and a namespace of its own, of addresses that `prefix` (three numbers) begins, and a listener behind it. */
export async function makeOwnLink(prefix: string): Promise<OwnLink> {
  const id = randomBytes(4).toString("hex");
  const [space, here, there] = [`cttest-${id}`, `cta${id}`, `ctb${id}`];
  const block = 4 * (randomBytes(1).readUInt8(0) % 64);
  const [gateway, address] = [`${prefix}.${block + 1}`, `${prefix}.${block + 2}`];
  const ip = async (...args: string[]): Promise<unknown> => runCommand([...elevation(), "ip", ...args]);
  await ip("netns", "add", space);
  let child: ChildProcess | undefined;
  const remove = async (): Promise<void> => {
    child?.stdin?.end();
    await ip("netns", "del", space);
  };
  try {
    await ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space);
    await ip("addr", "add", `${gateway}/30`, "dev", here);
    await ip("link", "set", here, "up");
    await ip("-n", space, "addr", "add", `${address}/30`, "dev", there);
    await ip("-n", space, "link", "set", there, "up");
    await ip("-n", space, "link", "set", "lo", "up");
    const [program, ...rest] = [...elevation(), "ip", "netns", "exec", space, process.execPath, "-e", listener] as const;
    const listening = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
    child = listening;
    const lines = createInterface({ input: listening.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<Map<string, number>> => {
      const answer: unknown = JSON.parse(String((await lines.next()).value));
      return new Map(Object.entries(answer ?? {}).map(([name, value]) => [name, Number(value)]));
    };
    const port = (await next()).get("port") ?? 0;
    return {
      address,
      port,
      async received() {
        listening.stdin.write("\n");
        const got = await next();
        const count = (name: string): number => got.get(name) ?? Number.NaN;
        return { connections: count("connections"), tcpBytes: count("tcpBytes"), udpBytes: count("udpBytes") };
      },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
