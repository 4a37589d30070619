import type { LinkName } from "#test/support/links.ts";
import type { LinkFault } from "#test/support/tcp-proxy.ts";
import { createRandom, type Random } from "./create-random.ts";

export type Part = { kind: "central"; index: number } | { kind: "worker" } | { kind: "caddy" };
export type Link = { name: LinkName; index: number };

/** What lasts until it is healed. */
export type Trouble =
  | { kind: "down"; part: Part; signal: "SIGKILL" | "SIGTERM" }
  | { kind: "paused"; part: Part }
  | { kind: "link"; link: Link; fault: LinkFault };

export type Step =
  | { kind: "push" | "force-push" | "close" | "reopen" | "delete-comment"; pull: number }
  | { kind: "push-main"; repository: number }
  | { kind: "wipe-caddy" }
  | { kind: "begin" | "heal"; trouble: Trouble };

/** A step and how long it is until the next. */
export type Planned = { step: Step; thenMs: number };

export const walkShape = { repositories: 2, pulls: 10, centrals: 2 };

const weights = [
  ["push", 30],
  ["force-push", 10],
  ["close", 10],
  ["reopen", 14],
  ["push-main", 6],
  ["delete-comment", 3],
  ["wipe-caddy", 2],
  ["kill", 12],
  ["terminate", 4],
  ["pause", 8],
  ["link", 16],
] as const;

const faults = [
  ["reset", 3],
  ["blackhole", 3],
  ["latency", 3],
  ["cut", 2],
  ["cutRequest", 1],
] as const;

const links: Link[] = [
  { name: "forge-central", index: 0 },
  { name: "worker-central", index: 0 },
  { name: "central-worker", index: 0 },
  { name: "central-postgres", index: 0 },
  { name: "central-postgres", index: 1 },
  { name: "worker-caddy", index: 0 },
];
const parts: Part[] = [{ kind: "central", index: 0 }, { kind: "central", index: 1 }, { kind: "worker" }, { kind: "caddy" }];

/** At most so many troubles at once: with everything down at all times nothing would ever be tried. */
const mostTroubles = 3;

/**
 * A walk of so many steps, from the seed alone. Nothing that happens while it runs changes it, so that the same seed is the same walk. Troubles that
 * end on the way add their end as a step; those that stand at the end are healed by whoever runs it.
 */
export function planWalk(o: { seed: number; steps: number }): Planned[] {
  const random = createRandom(o.seed);
  const open = new Set(Array.from({ length: walkShape.pulls }, (_, index) => index));
  const standing: { trouble: Trouble; left: number }[] = [];
  const planned: Planned[] = [];
  while (planned.length < o.steps) {
    for (const one of standing.slice()) {
      if (--one.left > 0) continue;
      standing.splice(standing.indexOf(one), 1);
      planned.push({ step: { kind: "heal", trouble: one.trouble }, thenMs: random.below(300) });
    }
    const step = planStep(
      random,
      open,
      standing.map(({ trouble }) => trouble),
    );
    if (step === undefined) continue;
    if (step.kind === "close") open.delete(step.pull);
    if (step.kind === "reopen") open.add(step.pull);
    if (step.kind === "begin") standing.push({ trouble: step.trouble, left: 1 + random.below(8) });
    // Mostly at once; now and then long enough for a build to end, or a lease to be half over.
    planned.push({ step, thenMs: random.below(10) === 0 ? random.below(4000) : random.below(400) });
  }
  return planned.slice(0, o.steps);
}

function planStep(random: Random, open: ReadonlySet<number>, standing: readonly Trouble[]): Step | undefined {
  const kind = random.weighted(weights);
  const closed = Array.from({ length: walkShape.pulls }, (_, index) => index).filter((pull) => !open.has(pull));
  switch (kind) {
    case "push":
    case "delete-comment":
      return { kind, pull: random.below(walkShape.pulls) };
    case "force-push":
      // A closed one whose branch was rewritten cannot be reopened, at GitHub either.
      return open.size === 0 ? undefined : { kind, pull: random.pick([...open]) };
    case "close":
      return open.size === 0 ? undefined : { kind, pull: random.pick([...open]) };
    case "reopen":
      return closed.length === 0 ? undefined : { kind, pull: random.pick(closed) };
    case "wipe-caddy":
      return { kind };
    case "push-main":
      return { kind, repository: random.below(walkShape.repositories) };
    case "kill":
    case "terminate":
    case "pause": {
      const part = random.pick(parts);
      if (standing.length >= mostTroubles || standing.some((one) => one.kind !== "link" && isSame(one.part, part)))
        return undefined;
      if (kind === "pause") return { kind: "begin", trouble: { kind: "paused", part } };
      return { kind: "begin", trouble: { kind: "down", part, signal: kind === "kill" ? "SIGKILL" : "SIGTERM" } };
    }
    case "link":
      break;
  }
  const link = random.pick(links);
  const fault = planFault(random);
  if (standing.length >= mostTroubles || standing.some((one) => one.kind === "link" && one.link === link)) return undefined;
  return { kind: "begin", trouble: { kind: "link", link, fault } };
}

function planFault(random: Random): LinkFault {
  switch (random.weighted(faults)) {
    case "reset":
      return { reset: true };
    case "blackhole":
      return { blackhole: true };
    case "latency":
      return { latencyMs: 20 + random.below(1500) };
    case "cut":
      return { cutAfterBytes: random.below(8000) };
    case "cutRequest":
      break;
  }
  return { cutRequestAfterBytes: random.below(8000) };
}

function isSame(one: Part, other: Part): boolean {
  return one.kind === other.kind && ("index" in one ? one.index : 0) === ("index" in other ? other.index : 0);
}

export function printStep(step: Step): string {
  if ("trouble" in step) return `${step.kind} ${printTrouble(step.trouble)}`;
  if ("repository" in step) return `push to main of repository ${step.repository}`;
  return "pull" in step ? `${step.kind} pull request ${step.pull}` : step.kind;
}

function printTrouble(trouble: Trouble): string {
  if (trouble.kind === "link") return `${trouble.link.name} ${trouble.link.index}: ${JSON.stringify(trouble.fault)}`;
  const name = trouble.part.kind === "central" ? `central ${trouble.part.index}` : trouble.part.kind;
  return trouble.kind === "paused" ? `${name} paused` : `${name} down by ${trouble.signal}`;
}
