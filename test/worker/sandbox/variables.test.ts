import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { createMasker } from "#worker/mask/create-masker.ts";
import { build } from "./harness.ts";

/** The commands below look for its first half, and so have that in their own arguments; the second half is in nothing but the value. */
const [half, otherHalf] = ["s3cr3t-0f-the-build'\" $(x)", "and its s3cond line"];
const secret = `${half}\n${otherHalf}`;
let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** Every process's command line on the host, those in containers among them, looked at until told to stop. */
async function watchArguments(text: string, until: AbortSignal): Promise<{ seen: string[]; rounds: number }> {
  const seen: string[] = [];
  let rounds = 0;
  while (!until.aborted) {
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (line.includes(text)) seen.push(line);
    }
    rounds += 1;
    await sleep(10);
  }
  return { seen, rounds };
}

/** All that Podman tells of the containers that run now. */
async function inspectAll(): Promise<string> {
  const found: unknown[] = [];
  for (const { Id } of await podman.podman.listContainers({ all: true })) {
    const container = podman.podman.getContainer(Id);
    const processes: unknown = await container.top({ ps_args: "-eo args" }).catch(() => undefined);
    const inspected: unknown = await container.inspect().catch(() => undefined);
    found.push(inspected, processes);
  }
  return JSON.stringify(found);
}

test("the command sees its secret variable, and no setting of a container, no argument, file or other process has it", async () => {
  const ended = new AbortController();
  const watching = watchArguments(otherHalf, ended.signal);
  const seen: string[] = [];
  let inspected: Promise<string> | undefined;
  const command = [
    'echo "length ${#SECRET} hash $(printf %s "$SECRET" | sha256sum | cut -c1-64)"',
    "ls /build/run/variables 2>/dev/null",
    'for f in /proc/[0-9]*/cmdline; do [[ $(tr "\\0" " " <"$f") == *s3c""ond* ]] && echo "argument $f"; done',
    'for f in /build/run/* /tmp/* /build/home/* /run/*; do [[ -f $f ]] && grep -l "s3cr""3t" "$f"; done',
    'tr "\\0" "\\n" </proc/1/environ | grep "s3cr""3t" && echo "first process"',
    "echo INSPECT; sleep 2; mkdir out; echo x >out/x",
  ].join("\n");
  const { lines, failure } = await build(podman, {
    command,
    variables: { SECRET: secret },
    onLine: (line) => {
      seen.push(line);
      if (line === "INSPECT") inspected = inspectAll();
    },
  }).finally(() => ended.abort());
  const { seen: withSecret, rounds } = await watching;
  expect([failure, lines]).toEqual([undefined, []]);
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256").update(secret).digest("hex");
  expect(seen.slice(seen.findIndex((line) => line.startsWith("length")))).toEqual([
    `length ${secret.length} hash ${hash}`,
    "INSPECT",
  ]);
  expect(await inspected).toContain("catapult");
  for (const part of [otherHalf, "s3cr3t-0f"]) expect(await inspected).not.toContain(part);
  expect(rounds).toBeGreaterThan(10);
  expect(withSecret).toEqual([]);
});

test("what makes the dev shell does not see it, and the next build has nothing of it", async () => {
  const flake = `{ outputs = _: { devShells.x86_64-linux.default = shell "x86_64-linux"; devShells.aarch64-linux.default = shell "aarch64-linux"; }; }`;
  const files = {
    "flake.nix": flake.replace(
      "outputs = _:",
      'outputs = _: let shell = system: derivation { name = "s"; inherit system; builder = "/bin/bash"; outputs = [ "out" ]; args = [ "-c" "echo > $out" ]; PATH = "/usr/local/bin:/usr/bin:/bin"; shellHook = \'\'echo "hook sees [\'\'${SECRET:-nothing}]"\'\'; }; in',
    ),
  };
  const first = await build(podman, {
    command: 'echo "command sees [$SECRET]"; mkdir out; echo x >out/x',
    files,
    variables: { SECRET: "s3cr3t-value" },
  });
  expect(first.failure).toBeUndefined();
  expect(first.lines).toContain("hook sees [nothing]");
  expect(first.lines).toContain("command sees [s3cr3t-value]");
  const second = await build(podman, { command: 'echo "next sees [${SECRET:-nothing}]"; mkdir out; echo x >out/x' });
  expect(second.lines).toContain("next sees [nothing]");
});

test("its output is masked in raw and encoded form before a line is kept, wherever the build's writes end", async () => {
  const command = [
    'echo "raw $SECRET."',
    'for ((i = 0; i < ${#SECRET}; i++)); do printf %s "${SECRET:i:1}"; sleep 0.01; done; echo .',
    'printf %s "$SECRET" | base64; printf %s "x$SECRET" | base64 -w20; printf %s "$SECRET" | od -An -tx1 | tr -d " "',
    'printf %s "$SECRET" >&2',
    "echo; exit 3",
  ].join("\n");
  const value = "s3cr3t-0f-th3-bu1ld-and-some-more-of-it-so-that-base64-wraps-it-over-lines";
  const { lines, failure } = await build(podman, { command, variables: { SECRET: value }, masker: createMasker([value]) });
  expect(failure?.reason).toBe("command_failed");
  expect(lines).toContain("raw ***.");
  expect(lines).toContain("***.");
  const all = lines.join("");
  const bytes = Buffer.from(value);
  for (const form of [
    value,
    bytes.toString("base64").slice(0, 30),
    bytes.toString("hex").slice(0, 30),
    bytes.toString("base64").slice(-30, -4),
  ]) {
    expect(all).not.toContain(form);
  }
});
