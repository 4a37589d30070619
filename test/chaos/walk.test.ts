import { join } from "node:path";
import { expect, test } from "vitest";
import { printFindings } from "#test/support/invariants.ts";
import { podmanHookTimeout, testStateDir } from "#test/support/podman.ts";
import { planWalk, printStep } from "./plan-walk.ts";
import { runWalk } from "./run-walk.ts";
import { startWalkPostgres } from "./walk-postgres.ts";

test("a seed is one walk, and another seed another", () => {
  const steps = (seed: number) => planWalk({ seed, steps: 200 }).map(({ step }) => printStep(step));
  expect(steps(7)).toEqual(steps(7));
  expect(steps(7)).not.toEqual(steps(8));
  expect(steps(7)).toHaveLength(200);
  const kinds = new Set(planWalk({ seed: 7, steps: 1000 }).map(({ step }) => step.kind));
  expect(kinds).toEqual(
    new Set([
      "push",
      "force-push",
      "close",
      "reopen",
      "delete-comment",
      "push-main",
      "wipe-caddy",
      "terminate-backends",
      "kill-container",
      "begin",
      "heal",
    ]),
  );
});

test("a long walk puts every part, every link and GitHub in trouble, in every way that it can be", () => {
  const troubles = planWalk({ seed: 7, steps: 2000 }).flatMap(({ step }) => (step.kind === "begin" ? [step.trouble] : []));
  const seen = new Set(
    troubles.map((trouble) => {
      if (trouble.kind === "forge") return `forge ${trouble.fault.kind}`;
      return trouble.kind === "link" ? trouble.link.name : `${trouble.part.kind} ${trouble.kind}`;
    }),
  );
  const parts = ["central", "worker", "caddy", "podman", "postgres"].flatMap((part) => [`${part} down`, `${part} paused`]);
  const links = ["forge-central", "worker-central", "central-worker", "central-postgres", "worker-caddy"];
  const forge = ["delay", "stale", "drop-answer", "limit", "error"].map((kind) => `forge ${kind}`);
  expect(seen).toEqual(new Set([...parts, ...links, ...forge]));
});

const seed = 1996;
const steps = 20;
/** As small as it may be with something for every step. */
const shape = { repositories: 1, pulls: 4, centrals: 2 };

test(
  "after a short random walk of pushes, closes, kills, pauses and cuts, every invariant holds once it is healed",
  async () => {
    const lines: string[] = [];
    const postgres = await startWalkPostgres({ stateDir: join(testStateDir, `run-${process.pid}`) });
    try {
      const { findings, answers } = await runWalk({
        seed,
        steps,
        shape,
        postgres,
        reconcileSeconds: 5,
        pollMs: 50,
        say: (line) => void lines.push(line),
      });
      expect(answers).toBeGreaterThan(100);
      expect(findings, `${lines.join("\n")}\n${printFindings(findings)}`).toEqual([]);
    } finally {
      await postgres.stop();
    }
  },
  podmanHookTimeout,
);
