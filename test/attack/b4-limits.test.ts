import { afterAll, beforeAll, expect, test } from "vitest";
import { renderComment } from "#central/comment/render-comment.ts";
import { attack, attackLimits, expectNextBuild, type Attack } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { describeFailure, failSandbox } from "#worker/accept/describe-failure.ts";
import { Stage } from "#gen/catapult/v1/deployment_pb.js";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** What a pull request's comment says of a build that failed, on the way that the failure takes. */
function comment(failure: Parameters<typeof failSandbox>[0] | undefined, lines: readonly string[]): string {
  if (failure === undefined) return "the build did not fail";
  const { failure: told } = describeFailure(failSandbox(failure), Stage.BUILD);
  return renderComment({
    siteId: 1n,
    siteState: "wanted",
    url: "https://pr-1-a.example",
    newest: {
      state: "failed",
      commit: "0a1b2c3d".repeat(5),
      waiting: null,
      failure: { stage: Stage[told.stage].toLowerCase(), reason: told.reason, message: told.message },
      durationMs: 1000,
      approval: null,
      timesLost: 0,
    },
    live: null,
    logTail: lines.slice(-40),
  });
}

const bombs: [name: string, bomb: Attack, reason: string, words: RegExp][] = [
  [
    "fault 28 a memory bomb",
    { command: "node -e 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))'" },
    "out_of_memory",
    /used up its memory of 512 MiB \(BUILD_MEMORY\); the kernel ended one of its processes\. Its files took .* of 256 MiB/,
  ],
  [
    "fault 31 a child's out of memory that the script swallows",
    { command: "node -e 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))' || true; mkdir out; echo x >out/x" },
    "out_of_memory",
    /used up its memory of 512 MiB \(BUILD_MEMORY\); the kernel ended one of its processes/,
  ],
  [
    "fault 29 a fork bomb",
    {
      command: "bomb() { bomb | bomb & }; bomb; sleep 1; while true; do sleep 100 & done",
      limits: { ...attackLimits, timeoutMs: 4000 },
    },
    "too_many_processes",
    /reached its limit of 128 processes and threads \(BUILD_PIDS\); [1-9]\d* more were refused/,
  ],
  [
    "fault 30 a build that ignores SIGTERM, in every process of it",
    {
      command: "trap '' TERM; (trap '' TERM; while true; do sleep 1; done) & while true; do sleep 1; done",
      limits: { ...attackLimits, timeoutMs: 1500 },
    },
    "deadline_exceeded",
    /limit of 1\.5 s \(BUILD_TIMEOUT\) and was ended after [1-9](\.\d)? s/,
  ],
  [
    "B4 a full disk",
    { command: "head -c 1G /dev/zero >big" },
    "disk_full",
    /filled its disk of 256 MiB \(BUILD_DISK\)\. At its end it held 25\d(\.\d)? MiB in \d+ files and folders, of which it may have 65536/,
  ],
  [
    "fault 26 more names than the disk has inodes",
    {
      command: "mkdir out; node -e 'for (let i = 0; ; i++) require(\"node:fs\").mkdirSync(`out/${i}`)'",
      limits: { ...attackLimits, diskBytes: 64 * 2 ** 20 },
    },
    "disk_full",
    /filled its disk of 64 MiB \(BUILD_DISK\)\. At its end it held .* in 65536 files and folders, of which it may have 65536/,
  ],
  [
    "B4 a full /tmp",
    { command: "head -c 1G /dev/zero >/tmp/big" },
    "disk_full",
    /filled its disk of 256 MiB \(BUILD_DISK\).*or in \/tmp, which holds 64 MiB of it/,
  ],
  // No option of Podman's caps the names in these; the kernel charges each to the build's memory.
  ...["/tmp", "/var/tmp", "/dev/shm"].map((folder): (typeof bombs)[number] => [
    `fault 26 names without end in ${folder}`,
    {
      command: `perl -e 'for (1..5000000) { mkdir "${folder}/$_" or die "refused at $_: $!" }'; sleep 1`,
      limits: { ...attackLimits, memoryBytes: 64 * 2 ** 20 },
    },
    "out_of_memory",
    /used up its memory of 64 MiB \(BUILD_MEMORY\); the kernel ended/,
  ]),
];

test.each(bombs)(
  "%s ends that build alone, and the comment names the limit, its value and the use",
  async (_, bomb, reason, words) => {
    const { failure, lines } = await attack(podman, bomb);
    const text = comment(failure, lines);
    expect(text).toContain(`reason: \` ${reason} \``);
    expect(text).toMatch(words);
  },
);

test("fault 27 a gigabyte of log costs neither memory nor the log's end, and the comment says how much is missing", async () => {
  const before = process.memoryUsage().rss;
  const { failure, lines } = await attack(podman, {
    command: "echo first; yes \"$(printf 'x%.0s' {1..3000})\" | head -c 1000000000; echo; echo last; exit 1",
    limits: { ...attackLimits, timeoutMs: 120_000 },
  });
  expect([lines[1], lines.at(-1)]).toEqual(["first", "last"]);
  expect(lines.join("\n").length).toBeLessThan(3 * 2 ** 20);
  expect(
    lines.filter((line) =>
      /^\[… \d+ lines \(99\d{7} characters\) left out: of a log 2621440 characters in 55000 lines are kept …\]$/.test(line),
    ),
  ).toHaveLength(1);
  expect(comment(failure, lines)).toMatch(
    /longer than its limit of 2\.5 MiB or 55000 lines: \d+ lines \(95\d(\.\d)? MiB\) are left out, 2\.5 MiB are kept/,
  );
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(300);
}, 180_000);

test("fault 27 a flood of short lines in a build that succeeds: the log's end is kept, its last line says what is missing, and so does the comment", async () => {
  const { failure, lines } = await attack(podman, { command: "yes x | head -n 200000; echo last; mkdir out; echo x >out/x" });
  expect(failure).toBeUndefined();
  expect(lines.at(-2)).toBe("last");
  expect(lines.at(-1)).toMatch(
    /^\[The log was longer than its limit of 2621440 characters or 55000 lines: 1450\d\d lines \(290\d{3} characters\) are left out/,
  );
  expect(lines.length).toBeLessThan(56_000);
});

test("I8 after all of them the next build succeeds", async () => expectNextBuild(podman));
