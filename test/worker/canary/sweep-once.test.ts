import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, expect, test } from "vitest";
import { createReleasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { startIsolation, type Isolation } from "#worker/canary/start-isolation.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";

/** An isolation whose Podman lists nothing, and how often its containers were listed for a sweep. */
async function isolate(
  answer: (response: ServerResponse, sweeps: number) => void,
): Promise<{ isolation: Isolation; sweeps: () => number }> {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const socket = join(tmpdir(), `ct-${randomBytes(4).toString("hex")}.sock`);
  let sweeps = 0;
  const server = createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? "");
    // All else hangs: the canary gets no further than its sweep.
    if (!url.includes(`=${networkName}"]}`)) return;
    if (url.includes("/containers/json")) answer(response, (sweeps += 1));
    else response.end(url.includes("/volumes") ? `{"Volumes":[]}` : "[]");
  });
  await new Promise<void>((settle) => server.listen(socket, settle));
  const log = createLogger({ name: "test", destination: { write: () => undefined } });
  const releasers = createReleasers(log);
  const isolation = startIsolation({
    sandbox: {
      podman: connectPodman(socket),
      imageReference: "localhost/none",
      limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, cpus: 1, pids: 64, timeoutMs: 1_000 },
      dns: ["192.0.2.53"],
      networkName,
    },
    target: undefined,
    slots: 1,
    log,
    releasers,
  });
  onTestFinished(async () => {
    const released = releasers.runAll();
    server.closeAllConnections();
    server.close();
    await released;
    await rm(socket, { force: true });
  });
  return { isolation, sweeps: () => sweeps };
}

test("what builds before had left is swept once, whoever asks and however often: a second sweep would take the canary's containers", async () => {
  const { isolation, sweeps } = await isolate((response) => setTimeout(() => response.end("[]"), 50));
  await Promise.all([isolation.sweep(), isolation.sweep()]);
  await isolation.sweep();
  expect(sweeps()).toBe(1);
});

test("a sweep that Podman refused is told to whoever asked, and made anew for the next who asks", async () => {
  const { isolation, sweeps } = await isolate((response, count) => {
    if (count === 1) response.statusCode = 500;
    response.end("[]");
  });
  await expect(isolation.sweep()).rejects.toThrow("list the containers of sandboxes");
  await isolation.sweep();
  await isolation.sweep();
  expect(sweeps()).toBe(2);
});
