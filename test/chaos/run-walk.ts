import { setTimeout as sleep } from "node:timers/promises";
import { findBreaches, watchSites, type Finding } from "#test/support/invariants.ts";
import { startStack, type StackOptions } from "#test/support/stack.ts";
import { createTroubles } from "./apply-trouble.ts";
import { createWorld, type World } from "./create-world.ts";
import { planWalk, printStep, walkShape, type Step } from "./plan-walk.ts";

export type Walk = { findings: Finding[]; answers: number; healedMs: number; directory: string };

/** One random walk from a fresh stack to the end: the steps of the seed, then everything healed, then all invariants. */
export async function runWalk(o: {
  seed: number;
  steps: number;
  database?: NonNullable<StackOptions["database"]>;
  containers?: boolean;
  pollMs?: number;
  say: (line: string) => void;
  /** Ends the walk early, with everything that it started. */
  signal?: AbortSignal;
}): Promise<Walk> {
  const stack = await startStack({
    centrals: walkShape.centrals,
    links: true,
    // What was missed while a walk went on is to be made good within the time that healing may take.
    env: { central: { RECONCILE_INTERVAL: "15s" } },
    ...(o.database === undefined ? {} : { database: o.database }),
  });
  const watch = watchSites(stack, { everyMs: o.pollMs ?? 20 });
  let troubles: ReturnType<typeof createTroubles> | undefined;
  try {
    const world = await createWorld(stack, { containers: o.containers ?? false });
    troubles = createTroubles(stack);
    for (const [index, { step, thenMs }] of planWalk(o).entries()) {
      o.say(`${new Date().toISOString()} ${index + 1}/${o.steps} ${printStep(step)}`);
      await take(world, troubles, step);
      await sleep(thenMs, undefined, o.signal === undefined ? {} : { signal: o.signal });
    }
    o.say(`${new Date().toISOString()} heal everything`);
    await troubles.healAll();
    await troubles.ready();
    const healed = performance.now();
    const findings = await findBreaches(stack, { watch });
    const ends = troubles.ends();
    if (ends.length > 0) o.say(`ended by themselves and were started again: ${ends.join(", ")}`);
    return { findings, answers: watch.count(), healedMs: Math.round(performance.now() - healed), directory: stack.directory };
  } finally {
    troubles?.stop();
    await troubles?.healAll();
    await watch.stop();
    await stack.stop();
  }
}

async function take(world: World, troubles: ReturnType<typeof createTroubles>, step: Step): Promise<void> {
  switch (step.kind) {
    case "push":
      return world.push(step.pull);
    case "force-push":
      return world.forcePush(step.pull);
    case "close":
      return world.close(step.pull);
    case "reopen":
      return world.reopen(step.pull);
    case "delete-comment":
      return world.deleteComment(step.pull);
    case "push-main":
      return world.pushMain(step.repository);
    case "wipe-caddy":
      return troubles.wipeCaddy();
    case "begin":
      return troubles.begin(step.trouble);
    case "heal":
      return troubles.heal(step.trouble);
  }
}
