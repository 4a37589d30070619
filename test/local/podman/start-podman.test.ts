import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { startPodman } from "#local/podman/start-podman.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";

let stateDir: string;
beforeEach(async () => {
  // Deep and with a space: a socket in it could not be listened on.
  stateDir = path.join(await mkdtemp(path.join(tmpdir(), "catapult-podman-")), "a folder".repeat(12), "state");
});
afterEach(async () => {
  const { run } = derivePodmanPaths(stateDir);
  await rm(run, { recursive: true, force: true });
  await rm(path.dirname(path.dirname(stateDir)), { recursive: true, force: true });
});

const log = (): void => undefined;

test("a service answers from a state folder that is deep and has a space, and stops without leaving a mount or a process", async () => {
  const service = await startPodman({ stateDir, log });
  expect(service.socket.length).toBeLessThan(107);
  expect((await connectPodman(service.socket).info()).DockerRootDir).toBe(derivePodmanPaths(stateDir).storage);
  const pid = Number(await readFile(derivePodmanPaths(stateDir).pidFile, "utf8"));
  await service.stop();
  await expect(access(`/proc/${pid}`)).rejects.toThrow("ENOENT");
  expect(await readFile("/proc/self/mountinfo", "utf8")).not.toContain(path.basename(path.dirname(path.dirname(stateDir))));
});

test("the service is in a session of its own, so that Ctrl-C does not reach it before its user", async () => {
  const service = await startPodman({ stateDir, log });
  const pid = Number(await readFile(derivePodmanPaths(stateDir).pidFile, "utf8"));
  const session = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ")[3];
  expect(Number(session)).toBe(pid);
  await service.stop();
});

test("what a killed run left is ended, and the next one has the same storage", async () => {
  await startPodman({ stateDir, log });
  const { pidFile, socket } = derivePodmanPaths(stateDir);
  const left = Number(await readFile(pidFile, "utf8"));
  await connectPodman(socket).createVolume({ Name: "kept" });
  const said: string[] = [];
  const next = await startPodman({ stateDir, log: (line) => said.push(line) });
  expect(said).toEqual(["podman: ending the service that an earlier run left"]);
  await expect(access(`/proc/${left}`)).rejects.toThrow("ENOENT");
  expect((await connectPodman(next.socket).listVolumes()).Volumes.map((volume) => volume.Name)).toEqual(["kept"]);
  await next.stop();
});

test.each([",", ":", "\\"])(
  "a folder with %s in its path, where no container could be mounted, is refused by that reason",
  async (mark) => {
    const start = startPodman({ stateDir: `${stateDir}${mark}one`, log });
    await expect(start).rejects.toThrow("overlay mounts take no comma, colon or backslash");
  },
);

test("stopping twice is no error", async () => {
  const service = await startPodman({ stateDir, log });
  await service.stop();
  await expect(service.stop()).resolves.toBeUndefined();
});

test("two state folders have two services, which see nothing of each other", async () => {
  const other = path.join(path.dirname(path.dirname(stateDir)), "other");
  const [one, two] = await Promise.all([startPodman({ stateDir, log }), startPodman({ stateDir: other, log })]);
  await connectPodman(one.socket).createVolume({ Name: "only-here" });
  expect((await connectPodman(two.socket).listVolumes()).Volumes).toEqual([]);
  await Promise.all([one.stop(), two.stop()]);
  await rm(derivePodmanPaths(other).run, { recursive: true, force: true });
});

test("a stop removes what builds left, and nothing else", async () => {
  const service = await startPodman({ stateDir, log });
  const podman = connectPodman(service.socket);
  await podman.createVolume({ Name: "kept" });
  await podman.createVolume({ Name: "left", Labels: { "catapult.sandbox": "any" } });
  await service.stop();
  const next = await startPodman({ stateDir, log });
  expect((await connectPodman(next.socket).listVolumes()).Volumes.map((volume) => volume.Name)).toEqual(["kept"]);
  await next.stop();
});
