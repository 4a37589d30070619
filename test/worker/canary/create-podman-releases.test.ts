import { expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { createPodmanReleases } from "#worker/canary/create-podman-releases.ts";

const never = new Promise<never>(() => undefined);

function create(listContainers: () => Promise<never[]>): { release: ReturnType<typeof createPodmanReleases>; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ name: "test", destination: { write: (line: string) => void lines.push(line) } });
  return { release: createPodmanReleases({ podman: { listContainers }, networkName: "cttest", log, silentMs: 50 }), lines };
}

test("a worker's end waits no longer for a Podman that hangs, and says what stays for the next start", async () => {
  let asked = 0;
  const { release, lines } = create(() => {
    asked += 1;
    return never;
  });
  await release("canary", () => never);
  // The second one does not wait anew: all of them together are bounded.
  await release("networks kept ready", () => never);
  expect(asked).toBe(1);
  expect(lines.map((line) => /"released":"([^"]+)"/.exec(line)?.[1])).toEqual(["canary", "networks kept ready"]);
  expect(lines.join("")).toContain("is removed at the next start");
});

test("what takes its time is waited for while Podman answers", async () => {
  const { release, lines } = create(async () => []);
  let done = false;
  await release("canary", async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    done = true;
  });
  expect([done, lines]).toEqual([true, []]);
});

test("a release that fails says so, and one that failed after nobody waited ends nothing", async () => {
  const { release } = create(async () => []);
  await expect(release("canary", async () => Promise.reject(new Error("no such network")))).rejects.toThrow("no such network");
  const silent = create(() => never);
  await silent.release("canary", async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    throw new Error("too late");
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(silent.lines).toHaveLength(1);
});
