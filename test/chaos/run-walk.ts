import { setTimeout as sleep } from "node:timers/promises";
import { findBreaches, watchSites, type Finding } from "#test/support/invariants.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { createTroubles } from "./apply-trouble.ts";
import { createWorld, type World } from "./create-world.ts";
import { planWalk, printStep, walkShape, type Step, type WalkShape } from "./plan-walk.ts";
import type { WalkPodman } from "./walk-podman.ts";
import type { WalkPostgres } from "./walk-postgres.ts";
import { watchMachine } from "./watch-machine.ts";
import { redeployKilled } from "./redeploy-killed.ts";

export type Walk = {
  findings: Finding[];
  answers: number;
  /** From the last healing until every invariant held, or the limit for that. */
  healedMs: number;
  /** How much of that the machine itself was too slow to judge anything by. */
  slowMs: number;
  directory: string;
};

/** A worker proves its isolation first. */
const readyMs = 120_000;
const mostSlowMs = 300_000;

/** One random walk from a fresh stack to the end: the steps of the seed, then everything healed, then all invariants. */
export async function runWalk(o: {
  seed: number;
  steps: number;
  postgres: WalkPostgres;
  /** Without one the tests' is used, and its service is left alone. */
  podman?: WalkPodman;
  shape?: WalkShape;
  containers?: boolean;
  /** Seconds between two comparisons with GitHub. */
  reconcileSeconds?: number;
  pollMs?: number;
  say: (line: string) => void;
  /** Ends the walk early, with everything that it started. */
  signal?: AbortSignal;
}): Promise<Walk> {
  const shape = o.shape ?? walkShape;
  const stack = await startStack({
    centrals: shape.centrals,
    links: true,
    // What was missed while a walk went on is to be made good within the time that healing may take.
    env: { central: { RECONCILE_INTERVAL: `${o.reconcileSeconds ?? 15}s` } },
    database: await o.postgres.createDatabase(),
    ...(o.podman === undefined ? {} : { podman: o.podman }),
  });
  const watch = watchSites(stack, { everyMs: o.pollMs ?? 20 });
  const say = (line: string): void => o.say(`${new Date().toISOString()} ${line}`);
  let troubles: ReturnType<typeof createTroubles> | undefined;
  let machine: ReturnType<typeof watchMachine> | undefined;
  try {
    const world = await createWorld(stack, { shape, containers: o.containers ?? false });
    troubles = createTroubles(stack, o);
    for (const [index, { step, thenMs }] of planWalk({ ...o, shape }).entries()) {
      say(`${index + 1}/${o.steps} ${printStep(step)}`);
      const met = await take(world, troubles, step);
      if (met !== undefined) say(`  ${met}`);
      await sleep(thenMs, undefined, o.signal === undefined ? {} : { signal: o.signal });
    }
    say("heal everything");
    await troubles.healAll();
    const healing = performance.now();
    const watched = watchMachine(stack);
    machine = watched;
    const slowMs = (): number => watched.slowMs();
    await troubles.ready(() => performance.now() - healing < readyMs + Math.min(mostSlowMs, slowMs()));
    say("everything is ready");
    if (o.containers === true) {
      const killed = await redeployKilled(stack);
      if (killed.length > 0) say(`deployed again, since its build's container was killed: ${killed.join(", ")}`);
    }
    const findings = await findBreaches(stack, { watch, slowMs });
    if (findings.length > 0) say(`what is still to be done: ${await describeQueue(stack)}`);
    const ends = troubles.ends();
    if (ends.length > 0) say(`ended by themselves and were started again: ${ends.join(", ")}`);
    const healedMs = Math.round(performance.now() - healing);
    return { findings, answers: watch.count(), healedMs, slowMs: slowMs(), directory: stack.directory };
  } finally {
    troubles?.stop();
    await troubles?.healAll();
    await machine?.stop();
    await watch.stop();
    await stack.stop();
  }
}

/** Jobs that wait, run or failed, queues that a replica has locked, and what is on record of comments: where to begin to look. */
async function describeQueue(stack: Stack): Promise<string> {
  const { rows } = await stack.pool.query<{ found: string }>(
    `select json_build_object(
       'jobs', (select json_agg(j) from graphile_worker._private_jobs j),
       'queues', (select json_agg(q) from graphile_worker._private_job_queues q where q.locked_at is not null),
       'sites', (select json_agg(json_build_object('id', id, 'state', state, 'comment', comment_id, 'digest', comment_digest,
         'refusal', comment_refusal)) from sites))::text as found`,
  );
  return rows[0]?.found ?? "";
}

async function take(world: World, troubles: ReturnType<typeof createTroubles>, step: Step): Promise<string | void> {
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
    case "terminate-backends":
      return troubles.terminateBackends();
    case "kill-container":
      return troubles.killContainer(step.victim);
    case "begin":
      return troubles.begin(step.trouble);
    case "heal":
      return troubles.heal(step.trouble);
  }
}
