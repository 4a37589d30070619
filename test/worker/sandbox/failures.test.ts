import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { build, listLeft, mebibyte, packFiles } from "./harness.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

const limits = { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000 };

test("a command that fails is named with its exit status, and its output is in the log", async () => {
  const { failure, lines } = await build(podman, { command: "echo before; echo wrong >&2; exit 3" });
  expect(failure).toEqual({ stage: "build", reason: "command_failed", message: "The command failed with exit status 3." });
  expect(lines).toEqual(["$ echo before; echo wrong >&2; exit 3", "before", "wrong"]);
});

test("a program that is not there is named as a missing tool", async () => {
  const { failure, lines } = await build(podman, { command: "no-such-tool build" });
  expect(failure?.reason).toBe("tool_missing");
  expect(lines.at(-1)).toContain("no-such-tool: command not found");
});

test("running out of memory is named with the limit", async () => {
  const { failure } = await build(podman, { command: "node -e 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))'" });
  expect(failure?.reason).toBe("out_of_memory");
  expect(failure?.message).toContain("512 MiB (BUILD_MEMORY)");
});

test("a child that the kernel killed for memory fails a build whose script swallowed it", async () => {
  const { failure } = await build(podman, {
    command: "node -e 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))' || true; mkdir out; echo x >out/x",
  });
  expect(failure?.reason).toBe("out_of_memory");
});

test("files that fill the memory before the disk's cap are named as what took it", async () => {
  const { failure } = await build(podman, {
    command: "head -c 1G /dev/zero >big",
    limits: { ...limits, memoryBytes: 128 * mebibyte, diskBytes: 1024 * mebibyte },
  });
  expect(failure?.reason).toBe("out_of_memory");
  expect(failure?.message).toMatch(/Its files took \d+(\.\d)? MiB of 1 GiB; they are held in memory\./);
});

test("a full disk is named as the disk, also where the program cleans up behind itself", async () => {
  const kept = await build(podman, { command: "head -c 1G /dev/zero >big" });
  expect(kept.failure?.reason).toBe("disk_full");
  expect(kept.failure?.message).toContain("256 MiB (BUILD_DISK)");
  const cleaned = await build(podman, { command: "head -c 1G /dev/zero >big || { rm big; exit 1; }" });
  expect(cleaned.failure?.reason).toBe("disk_full");
});

test("too many files are named as the disk", async () => {
  const { failure } = await build(podman, {
    command: 'node -e \'for (let i = 0; ; i++) require("node:fs").writeFileSync(`f${i}`, "")\'',
    limits: { ...limits, diskBytes: 64 * mebibyte },
  });
  expect(failure?.reason).toBe("disk_full");
  expect(failure?.message).toContain("in 65536 files and folders, of which it may have 65536.");
});

test("a fork bomb is bounded and named", async () => {
  // Perl gives up at the first refusal; a shell tries again for 15 s.
  const { failure } = await build(podman, {
    command: "perl -e 'for (;;) { my $child = fork; defined $child or die qq(refused: $!); sleep 100 unless $child }'",
  });
  expect(failure?.reason).toBe("too_many_processes");
  expect(failure?.message).toContain("limit of 128 processes and threads (BUILD_PIDS)");
});

test("a fork bomb that holds every process until the deadline is named too", async () => {
  const { failure } = await build(podman, {
    command: "bomb() { bomb | bomb & }; while true; do bomb; done",
    limits: { ...limits, timeoutMs: 4000 },
  });
  expect(failure?.reason).toBe("too_many_processes");
});

test("a build that ignores SIGTERM ends at its deadline", async () => {
  const { failure } = await build(podman, {
    command: "trap '' TERM; while true; do sleep 1; done",
    limits: { ...limits, timeoutMs: 1500 },
  });
  expect(failure).toEqual({
    stage: "build",
    reason: "deadline_exceeded",
    message: expect.stringMatching(
      /^The build ran longer than its limit of 1\.5 s \(BUILD_TIMEOUT\) and was ended after \d+(\.\d)? s\.$/,
    ),
  });
});

test("a canceled build is gone before its promise settles, whenever the cancel comes", async () => {
  for (const moment of ["before", "running"] as const) {
    const canceling = new AbortController();
    if (moment === "before") canceling.abort();
    const { failure, lines } = await build(podman, {
      command: "echo started; sleep 60",
      signal: canceling.signal,
      onLine: (line) => line === "started" && canceling.abort(),
    });
    expect(failure?.reason).toBe("canceled");
    expect(lines).toEqual([]);
  }
});

test.each([
  ["input 61 output_missing", "true", "out"],
  ["input 61 output_empty", "mkdir out", "out"],
  ["output_not_folder", "echo x >out", "out"],
  ["output_outside", "ln -s /etc out", "out"],
  ["output_outside", "true", "../.."],
])("an output that is no folder of files is named: %s after %s", async (reason, command, outputDir) => {
  const { failure } = await build(podman, { command, outputDir });
  expect(failure?.reason).toBe(reason.split(" ").at(-1));
  expect(failure?.message).toContain(JSON.stringify(outputDir));
});

test("a root folder that the repository has not is named", async () => {
  const { failure } = await build(podman, { command: "true", rootDir: "site" });
  expect(failure).toMatchObject({ reason: "root_dir_missing", message: 'There is no folder "site" in the repository.' });
});

test("an image that is not there is the sandbox's failure, and nothing is left of the attempt", async () => {
  const { failure } = await build(podman, { command: "true", imageReference: "localhost/catapult-builder:none" });
  expect(failure).toMatchObject({ stage: "sandbox", reason: "image_missing" });
});

test("rules that do not load start no build", async () => {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const result = await runInSandbox({
    podman: podman.podman,
    imageReference: podman.imageReference,
    limits,
    dns: ["not an address"],
    networkName,
    labels: {},
    writeSource: () => packFiles({}),
    rootDir: "",
    command: "true",
    outputDir: "out",
    devshell: "default",
    environment: {},
    onLine: () => undefined,
    signal: new AbortController().signal,
  });
  expect(result).toMatchObject({ ok: false, failure: { stage: "sandbox", reason: "sandbox_failed" } });
  expect(await listLeft(podman, networkName)).toEqual([]);
});

test("a log without end is bounded: its head and its tail stay, and a line says what is missing", async () => {
  const { lines, failure } = await build(podman, {
    command: "echo first; yes 'a line of a log that nobody will ever read to its end' | head -n 400000; echo last; exit 1",
  });
  expect(failure?.reason).toBe("command_failed");
  expect(lines[1]).toBe("first");
  expect(lines.at(-1)).toBe("last");
  expect(lines.some((line) => /^\[… \d+ lines \(\d+ characters\) left out/.test(line))).toBe(true);
  expect(lines.join("\n").length).toBeLessThan(3 * mebibyte);
});
