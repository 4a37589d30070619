import { expect, test } from "vitest";
import { printFindings } from "#test/support/invariants.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { planWalk, printStep } from "./plan-walk.ts";
import { runWalk } from "./run-walk.ts";

test("a seed is one walk, and another seed another", () => {
  const steps = (seed: number) => planWalk({ seed, steps: 200 }).map(({ step }) => printStep(step));
  expect(steps(7)).toEqual(steps(7));
  expect(steps(7)).not.toEqual(steps(8));
  expect(steps(7)).toHaveLength(200);
  const kinds = new Set(planWalk({ seed: 7, steps: 1000 }).map(({ step }) => step.kind));
  expect(kinds).toEqual(
    new Set(["push", "force-push", "close", "reopen", "delete-comment", "push-main", "wipe-caddy", "begin", "heal"]),
  );
});

test(
  "after a short random walk of pushes, closes, kills, pauses and cuts, every invariant holds once it is healed",
  async () => {
    const steps: string[] = [];
    const { findings, answers } = await runWalk({ seed: 3, steps: 25, pollMs: 50, say: (line) => void steps.push(line) });
    expect(answers).toBeGreaterThan(100);
    expect(findings, `npm run chaos -- --seed 3 --steps 25\n${steps.join("\n")}\n${printFindings(findings)}`).toEqual([]);
  },
  podmanHookTimeout,
);
