import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createReleasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { eventually } from "#test/support/eventually.ts";
import { startIsolation } from "#worker/canary/start-isolation.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";

test("a worker that stops while Podman takes calls and answers none gives up on each release, and says that the next start sweeps", async () => {
  const socket = join(tmpdir(), `ct-${randomBytes(4).toString("hex")}.sock`);
  const open = new Set<Socket>();
  const server = createServer((client) => open.add(client.on("error", () => undefined)));
  await new Promise<void>((settle) => server.listen(socket, settle));
  const lines: string[] = [];
  const log = createLogger({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  const releasers = createReleasers(log);
  startIsolation({
    sandbox: {
      podman: connectPodman(socket),
      imageReference: "localhost/none",
      limits: { memoryBytes: 2 ** 28, diskBytes: 2 ** 28, cpus: 1, pids: 64, timeoutMs: 1_000 },
      dns: ["192.0.2.53"],
      networkName: `cttest-${randomBytes(4).toString("hex")}`,
    },
    target: undefined,
    slots: 1,
    log,
    releasers,
  });
  await eventually(() => expect(open.size).toBeGreaterThan(0));
  await releasers.runAll();
  for (const client of open) client.destroy();
  server.close();
  await rm(socket, { force: true });
  const given = lines.filter((line) => line.includes("is removed at the next start"));
  expect(given.map((line) => /"released":"([^"]+)"/.exec(line)?.[1])).toEqual(["canary", "networks kept ready"]);
});
