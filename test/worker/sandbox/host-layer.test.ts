import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { chooseBridge, listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";
import { createNetwork } from "#worker/sandbox/create-network.ts";
import { followOutput } from "#worker/sandbox/follow-output.ts";
import { createHostLayer } from "#worker/sandbox/host-layer.ts";
import { removeContainer, removeNetwork } from "#worker/sandbox/release-sandbox.ts";
import { hostTable, renderHostRules } from "#worker/sandbox/render-host-rules.ts";
import { blockedRanges } from "#worker/sandbox/render-rules.ts";
import { makeOwnLink, type OwnLink } from "./own-link.ts";

let podman: TestPodman;
let listener: Server;
let port: number;
let open: OwnLink;
let blocked: OwnLink;
beforeAll(async () => {
  podman = await useTestPodman();
  listener = createServer((socket) => socket.on("error", () => undefined).end("reached"));
  await new Promise<void>((resolve) => listener.listen(0, "0.0.0.0", resolve));
  const address = listener.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  open = await makeOwnLink("198.51.100");
  // Of a range that is blocked, and that nothing else on a machine uses: carriers' addresses.
  blocked = await makeOwnLink("100.127.254");
}, podmanHookTimeout);
afterAll(async () => {
  listener.close();
  await open.remove();
  await blocked.remove();
  await podman.release();
});

/** As root it does nothing; it keeps the type of a list that is not empty. */
const asRoot = ["env", ...elevation()] as const;
const elevated = [...asRoot, "nft"] as const;
const nft = async (...args: string[]): Promise<string> => runCommand([...elevation(), "nft", ...args]);

/** A container in a network of a worker's bridges without a holder and without any rule of its own: which of the targets does it reach? */
async function reach(networkName: string, id: string, targets: [string, number][]): Promise<boolean[]> {
  const name = `${networkName}-${id}`;
  const subnet = await createNetwork(podman.podman, { name, id, networkName, labels: {} });
  try {
    const all = [[subnet.gateway, port] as const, ...targets];
    const script = all.map(([host, at]) => `timeout 2 bash -c ': </dev/tcp/${host}/${at}' 2>/dev/null && echo yes || echo no`);
    const container = await podman.podman.createContainer({
      name,
      Image: podman.imageReference,
      Entrypoint: ["/bin/bash", "-c", script.join("\n")],
      AttachStdout: true,
      HostConfig: { NetworkMode: name, CapDrop: ["ALL"] },
    });
    let said = "";
    const output = await followOutput(container, (_, chunk) => (said += chunk.toString()));
    await container.start();
    await output.end;
    return said
      .trim()
      .split("\n")
      .map((word) => word === "yes");
  } finally {
    await removeContainer(podman.podman, name);
    await removeNetwork(podman.podman, name);
  }
}

test("without the rules of a holder the host still lets a build reach nothing but the internet", async () => {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const own = listOwnAddresses(networkInterfaces()).find((address) => !address.startsWith("10.")) ?? "";
  const targets: [string, number][] = [
    [own, port],
    [blocked.address, blocked.port],
    [open.address, open.port],
  ];
  // Else the refusals below would prove nothing.
  expect(await reach(networkName, "aaaaaaaa", targets)).toEqual([true, true, true, true]);
  const layer = createHostLayer({ networkName, dns: [], nft: elevated, log: () => undefined });
  await layer.ensure();
  try {
    expect(await reach(networkName, "bbbbbbbb", targets)).toEqual([false, false, false, true]);
    expect(await reach(`${networkName}-other`, "cccccccc", targets)).toEqual([true, true, true, true]);
  } finally {
    await layer.remove();
  }
});

test("the layer tells whether it is in force, comes back after it was changed, and goes without a trace at other tables", async () => {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const foreign = `cttest_${randomBytes(4).toString("hex")}`;
  await nft("add", "table", "inet", foreign);
  const said: string[] = [];
  const layer = createHostLayer({ networkName, dns: [], nft: elevated, log: (message) => said.push(message) });
  expect(await layer.look()).toMatchObject({ inForce: false });
  await layer.ensure();
  await layer.ensure();
  expect((await layer.look()).reason).toMatch(/no build's network has been made yet/);
  await layer.observe("lo");
  expect(await layer.look()).toEqual({ inForce: true, lost: false, reason: "" });

  await nft("flush", "table", "inet", hostTable(networkName));
  expect(await layer.look()).toEqual({ inForce: false, lost: true, reason: "its table was changed or removed" });
  await layer.ensure();
  expect(await layer.look()).toEqual({ inForce: true, lost: false, reason: "" });

  await layer.observe(chooseBridge(networkName, "nowhere0"));
  expect((await layer.look()).reason).toMatch(/another network namespace/);
  expect(said).toEqual([expect.stringMatching(/^a second layer/), expect.stringMatching(/^no second layer/)]);
  await layer.remove();
  await layer.remove();
  const tables = await nft("list", "tables");
  expect(tables).toContain(foreign);
  expect(tables).not.toContain(hostTable(networkName));
  await nft("delete", "table", "inet", foreign);
});

test("a worker without the right to the host's rules says so once and goes on", async () => {
  const said: string[] = [];
  const layer = createHostLayer({
    networkName: `cttest-${randomBytes(4).toString("hex")}`,
    dns: [],
    nft: [...asRoot, "setpriv", "--reuid=65534", "--clear-groups", "nft"],
    log: (message, { reason }) => said.push(`${message}: ${String(reason)}`),
  });
  for (let round = 0; round < 3; round += 1) {
    await layer.ensure();
    await layer.observe("lo");
  }
  expect(said).toEqual([expect.stringMatching(/^no second layer .*not permitted/)]);
  expect(await layer.look()).toEqual({ inForce: false, lost: false, reason: expect.stringMatching(/not permitted/) });
  await layer.remove();
});

test("the host's rules name every blocked range, let resolvers through at port 53 alone, and act on the worker's own bridges alone", () => {
  const rules = renderHostRules({ networkName: "catapult-x", dns: ["10.0.0.53"] });
  for (const range of blockedRanges) expect(rules).toContain(range);
  expect(rules.match(/iifname "[^"]*"/g)).toEqual(Array(2).fill(`iifname "${chooseBridge("catapult-x", "")}*"`));
  expect(rules.match(/accept$/gm)).toHaveLength(4);
  expect(rules.match(/dport 53 accept$/gm)).toHaveLength(4);
  expect(() => renderHostRules({ networkName: "catapult-x", dns: ["1.1.1.1; flush ruleset"] })).toThrow(/IPv4/);
});
