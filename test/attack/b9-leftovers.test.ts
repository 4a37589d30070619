import { afterAll, beforeAll, expect, test } from "vitest";
import { attack, attackLimits, expectNextBuild } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

test("B9 daemons that leave their session, ignore every signal and go on after the command end with it", async () => {
  const daemon = `
    for n in 1 2 3; do
      setsid bash -c 'trap "" TERM HUP INT QUIT PIPE; exec >/dev/null 2>&1 </dev/null; while true; do sleep 1; echo late >/build/output/site/late; done' &
    done
    nohup sleep 1000 >/dev/null 2>&1 &
    (setsid perl -e 'fork and exit; fork and exit; $SIG{TERM} = "IGNORE"; sleep 1 while 1' &)
    sleep 0.3; ps -e --no-headers | wc -l; mkdir out; echo x >out/x`;
  const { failure, files, lines } = await attack(podman, { files: { "daemon.sh": daemon }, command: "bash daemon.sh" });
  expect(failure).toBeUndefined();
  expect(Number(lines.at(-1))).toBeGreaterThan(8);
  expect(files).toEqual({ x: "x\n" });
});

test("B9 what holds the command's output open does not hold the build", async () => {
  const { failure, files } = await attack(podman, {
    command: "mkdir out; echo x >out/x; sleep 1000 & disown; setsid sleep 1000 &",
    limits: { ...attackLimits, timeoutMs: 20_000 },
  });
  expect([failure, files]).toEqual([undefined, { x: "x\n" }]);
});

test("B9 a build that is stopped, or that stops its own entry script, is gone as well", async () => {
  const { failure } = await attack(podman, {
    command: "kill -STOP 1; kill -STOP $$",
    limits: { ...attackLimits, timeoutMs: 2000 },
  });
  expect(failure?.reason).toBe("deadline_exceeded");
  await expectNextBuild(podman);
});
