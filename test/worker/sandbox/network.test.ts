import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";
import { build } from "./harness.ts";

let podman: TestPodman;
let listener: Server;
let port: number;
let connections = 0;
beforeAll(async () => {
  podman = await useTestPodman();
  // On every address of this machine: the host's own, and the gateway of each build's network as soon as it is there.
  listener = createServer((socket) => {
    connections += 1;
    socket.end("reached");
  });
  await new Promise<void>((resolve) => listener.listen(0, "::", resolve));
  const address = listener.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
}, podmanHookTimeout);
afterAll(async () => {
  listener.close();
  await podman.release();
});

function parseResults(json: string): Record<string, string> {
  const results: unknown = JSON.parse(json);
  return Object.fromEntries(Object.entries(results ?? {}).map(([target, outcome]) => [target, String(outcome)]));
}

/** Tries one TCP connection from inside to each address and tells what came of it. */
async function probe(targets: string, dns?: string[]): Promise<Record<string, string>> {
  const script = `
    const net = require("node:net"), fs = require("node:fs");
    const gateway = fs.readFileSync("/proc/net/route", "utf8").split("\\n").map((l) => l.split("\\t")).find((f) => f[1] === "00000000")?.[2];
    const dotted = gateway?.match(/../g).map((h) => parseInt(h, 16)).reverse().join(".");
    const results = {};
    (async () => {
      for (const target of ${targets}) {
        const [host, port] = [target[0] === "gateway" ? dotted : target[0], target[1]];
        results[target.join(":")] = await new Promise((resolve) => {
          const socket = net.connect({ host, port, timeout: 5000 });
          socket.on("connect", () => resolve("connected")).on("timeout", () => resolve("timeout")).on("error", (e) => resolve(e.code));
        });
      }
      fs.mkdirSync("out");
      fs.writeFileSync("out/results", JSON.stringify(results));
      process.exit(0);
    })();`;
  const { files, failure } = await build(podman, {
    files: { "probe.cjs": script },
    command: "node probe.cjs",
    ...(dns === undefined ? {} : { dns }),
  });
  expect(failure).toBeUndefined();
  return parseResults(files?.["results"] ?? "{}");
}

test("a build reaches neither the gateway nor this machine's own addresses, where a listener waits on all of them", async () => {
  const own = listOwnAddresses(networkInterfaces());
  expect(own.length).toBeGreaterThan(0);
  const before = connections;
  const results = await probe(JSON.stringify([["gateway", port], ...own.map((address) => [address, port])]));
  for (const [target, outcome] of Object.entries(results)) expect([target, outcome]).toEqual([target, "EHOSTUNREACH"]);
  expect(connections).toBe(before);
});

test("private networks, cloud metadata and IPv6 are refused at once", async () => {
  const targets = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "198.18.0.1", "224.0.0.1"];
  const results = await probe(JSON.stringify(targets.map((address) => [address, 80])));
  for (const target of targets) expect(["EHOSTUNREACH", "ENETUNREACH"]).toContain(results[`${target}:80`]);
  const six = await probe(
    JSON.stringify([
      ["2001:db8::1", 80],
      ["fd00:ec2::254", 80],
      ["64:ff9b::a00:1", 80],
    ]),
  );
  for (const outcome of Object.values(six))
    expect(["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EACCES", "EAFNOSUPPORT"]).toContain(outcome);
});

test("a resolver is reached at port 53 and nowhere else, even where its address is private", async () => {
  const resolver = "10.255.254.1";
  const results = await probe(JSON.stringify([53, 54, 80].map((each) => [resolver, each])), [resolver]);
  // Nobody need answer there: what the rules let out is answered or lost, and never refused by them.
  expect(["connected", "timeout", "ECONNREFUSED"]).toContain(results[`${resolver}:53`]);
  expect(results[`${resolver}:54`]).toBe("EHOSTUNREACH");
  expect(results[`${resolver}:80`]).toBe("EHOSTUNREACH");
});

test("the npm registry is reached through the resolvers and certificates of this machine", async () => {
  const { files, failure, lines } = await build(podman, {
    files: { "package.json": JSON.stringify({ name: "a", version: "1.0.0", dependencies: { "is-number": "7.0.0" } }) },
    command: "npm install && mkdir out && cp node_modules/is-number/package.json out/",
  });
  expect([failure, lines.slice(-3)]).toEqual([undefined, expect.anything()]);
  expect(JSON.parse(files?.["package.json"] ?? "{}")).toMatchObject({ name: "is-number", version: "7.0.0" });
});
