import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { followOutput } from "#worker/sandbox/follow-output.ts";
import { packRequest } from "#worker/sandbox/pack-control.ts";
import { prepareSandbox, type PreparedSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { putArchive } from "#worker/sandbox/put-archive.ts";
import { roleLabel } from "#worker/sandbox/sandbox-labels.ts";
import { listLeft, packFiles } from "./harness.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import { makeOwnLink, type OwnLink } from "./own-link.ts";
import { createRequest, createSetup } from "./sandbox-setup.ts";

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

async function killHolder(networkName: string): Promise<void> {
  const filters = { label: [`catapult.sandbox=${networkName}`, `${roleLabel}=holder`] };
  const [holder] = await podman.podman.listContainers({ filters });
  if (holder === undefined) throw new Error("there is no holder");
  await podman.podman.getContainer(holder.Id).kill();
}

test("a holder that is killed while a build runs takes its network along, and the failure says so", async () => {
  const setup = createSetup(podman);
  const script = `
    const net = require("node:net");
    const attempt = () => new Promise((resolve) => {
      const socket = net.connect({ ...${JSON.stringify({ host: link.address, port: link.port })}, timeout: 500 });
      const end = (word) => () => { socket.destroy(); resolve(word); };
      socket.on("connect", end("reached")).on("timeout", end("timeout")).on("error", end("refused"));
    });
    (async () => {
      for (let left = 12; left > 0; ) {
        const word = await attempt();
        console.log(word);
        if (word !== "reached") left -= 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      process.exit(1);
    })();`;
  const lines: string[] = [];
  let killed: Promise<void> | undefined;
  const result = await runInSandbox(
    createRequest(setup, {
      command: "node probe.cjs",
      writeSource: () => packFiles({ "probe.cjs": script }),
      onLine: (line) => {
        lines.push(line);
        if (line === "reached") killed ??= killHolder(setup.networkName);
      },
    }),
  );
  await killed;
  expect(lines).toContain("reached");
  // Nothing got through any more from the first that failed on.
  const words = lines.filter((line) => /^(reached|timeout|refused)$/.test(line));
  expect(words.slice(words.findIndex((word) => word !== "reached"))).not.toContain("reached");
  expect(result).toMatchObject({ ok: false, failure: { stage: "sandbox", reason: "sandbox_failed" } });
  expect(result.ok ? "" : result.failure.message).toMatch(/network was cut/);
  expect(await result.egress).toBeUndefined();
  expect(await listLeft(podman, setup.networkName)).toEqual([]);
});

test("a build whose holder ended before its own process was made is refused, though Podman could start the holder again", async () => {
  const { sandbox, end } = await prepareWithSource("true");
  try {
    await end();
    await expect(followOutput(sandbox.build, () => undefined)).rejects.toThrow(/not running|dependenc/);
  } finally {
    await sandbox.release();
  }
});

test("a build whose holder ended before its start reaches nothing, though Podman starts the holder again for it", async () => {
  const { sandbox, end } = await prepareWithSource(`: </dev/tcp/${link.address}/${link.port}`);
  let said = "";
  try {
    const before = await link.received();
    const output = await followOutput(sandbox.build, (_, chunk) => (said += chunk.toString()));
    await end();
    await sandbox.build.start().catch(() => undefined);
    await eventually(async () => expect((await sandbox.build.inspect()).State.Running).toBe(false));
    output.close();
    expect(said).toContain("unreachable");
    expect(await link.received()).toEqual(before);
  } finally {
    await sandbox.release();
  }
});

async function prepareWithSource(command: string): Promise<{ sandbox: PreparedSandbox; end: () => Promise<void> }> {
  const setup = createSetup(podman);
  const request = createRequest(setup, { command });
  const sandbox = await prepareSandbox(request);
  await putArchive(sandbox.holder, "/build", packRequest(request), "keep");
  await putArchive(sandbox.holder, "/build/source", request.writeSource(), "container");
  return {
    sandbox,
    end: async () => {
      await killHolder(setup.networkName);
      await eventually(async () => expect((await sandbox.holder.inspect()).State.Running).toBe(false));
    },
  };
}
