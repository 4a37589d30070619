import type { LinkName } from "#test/support/links.ts";
import type { LinkFault } from "#test/support/tcp-proxy.ts";
import { createRandom, type Random } from "./create-random.ts";
import type { Victim } from "./kill-container.ts";
import type { ForgeFault } from "./set-forge-fault.ts";

export type Part =
  | { kind: "central"; index: number }
  | { kind: "worker" }
  | { kind: "caddy" }
  /** The service; its containers go on without it. */
  | { kind: "podman" }
  | { kind: "postgres" };
export type Link = { name: LinkName; index: number };

/** What lasts until it is healed. */
export type Trouble =
  | { kind: "down"; part: Part; signal: EndSignal }
  | { kind: "paused"; part: Part }
  | { kind: "link"; link: Link; fault: LinkFault }
  | { kind: "forge"; fault: ForgeFault };

/** PostgreSQL's own: SIGQUIT ends it at once, its next start recovers; SIGINT rolls back first. */
type EndSignal = "SIGKILL" | "SIGTERM" | "SIGQUIT" | "SIGINT";

export type Step =
  | { kind: "push" | "force-push" | "close" | "reopen" | "delete-comment"; pull: number }
  | { kind: "push-main"; repository: number }
  | { kind: "wipe-caddy" | "terminate-backends" }
  | { kind: "kill-container"; victim: Victim }
  | { kind: "begin" | "heal"; trouble: Trouble };

/** A step and how long it is until the next. */
export type Planned = { step: Step; thenMs: number };

export type WalkShape = { repositories: number; pulls: number; centrals: number };
export const walkShape: WalkShape = { repositories: 2, pulls: 10, centrals: 2 };

const weights = [
  ["push", 30],
  ["force-push", 10],
  ["close", 10],
  ["reopen", 14],
  ["push-main", 6],
  ["delete-comment", 3],
  ["wipe-caddy", 2],
  ["terminate-backends", 3],
  ["kill-container", 5],
  ["kill", 14],
  ["terminate", 5],
  ["pause", 11],
  ["link", 16],
  ["forge", 10],
] as const;

const faults = [
  ["reset", 3],
  ["blackhole", 3],
  ["latency", 3],
  ["cut", 2],
  ["cutRequest", 1],
] as const;

const victims: (readonly [Victim, number])[] = [
  [{ role: "build", process: "init" }, 3],
  [{ role: "build", process: "conmon" }, 3],
  [{ role: "holder", process: "init" }, 2],
  [{ role: "holder", process: "conmon" }, 2],
];

const forgeFaults = [
  ["delay", 2],
  ["stale", 3],
  ["drop-answer", 3],
  ["limit", 2],
  ["error", 2],
] as const;

const links: Link[] = [
  { name: "forge-central", index: 0 },
  { name: "worker-central", index: 0 },
  { name: "central-worker", index: 0 },
  { name: "central-postgres", index: 0 },
  { name: "central-postgres", index: 1 },
  { name: "worker-caddy", index: 0 },
];
const parts: (readonly [Part, number])[] = [
  [{ kind: "central", index: 0 }, 3],
  [{ kind: "central", index: 1 }, 3],
  [{ kind: "worker" }, 4],
  [{ kind: "caddy" }, 3],
  [{ kind: "podman" }, 3],
  [{ kind: "postgres" }, 2],
];

/** At most so many troubles at once: with everything down at all times nothing would ever be tried. */
const mostTroubles = 3;

/**
 * A walk of so many steps, from the seed alone. Nothing that happens while it runs changes it, so that the same seed is the same walk. Troubles that
 * end on the way add their end as a step; those that stand at the end are healed by whoever runs it.
 */
export function planWalk(o: { seed: number; steps: number; shape?: WalkShape }): Planned[] {
  const random = createRandom(o.seed);
  const shape = o.shape ?? walkShape;
  const open = new Set(Array.from({ length: shape.pulls }, (_, index) => index));
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
      shape,
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

function planStep(random: Random, shape: WalkShape, open: ReadonlySet<number>, standing: readonly Trouble[]): Step | undefined {
  const kind = random.weighted(weights);
  const closed = Array.from({ length: shape.pulls }, (_, index) => index).filter((pull) => !open.has(pull));
  switch (kind) {
    case "push":
    case "delete-comment":
      return { kind, pull: random.below(shape.pulls) };
    case "force-push":
      // A closed one whose branch was rewritten cannot be reopened, at GitHub either.
      return open.size === 0 ? undefined : { kind, pull: random.pick([...open]) };
    case "close":
      return open.size === 0 ? undefined : { kind, pull: random.pick([...open]) };
    case "reopen":
      return closed.length === 0 ? undefined : { kind, pull: random.pick(closed) };
    case "wipe-caddy":
    case "terminate-backends":
      return { kind };
    case "kill-container":
      return { kind, victim: random.weighted(victims) };
    case "push-main":
      return { kind, repository: random.below(shape.repositories) };
    case "kill":
    case "terminate":
    case "pause":
    case "link":
    case "forge":
      break;
  }
  const trouble = planTrouble(random, kind, standing);
  return trouble === undefined || standing.length >= mostTroubles ? undefined : { kind: "begin", trouble };
}

/** undefined: the same thing, or the same part, is in trouble already. */
function planTrouble(
  random: Random,
  kind: "kill" | "terminate" | "pause" | "link" | "forge",
  standing: readonly Trouble[],
): Trouble | undefined {
  if (kind === "forge") {
    const fault = planForgeFault(random);
    return standing.some((one) => one.kind === "forge") ? undefined : { kind, fault };
  }
  if (kind === "link") {
    const link = random.pick(links);
    const fault = planFault(random);
    return standing.some((one) => one.kind === "link" && one.link === link) ? undefined : { kind, link, fault };
  }
  const part = random.weighted(parts);
  if (standing.some((one) => "part" in one && isSame(one.part, part))) return undefined;
  if (kind === "pause") return { kind: "paused", part };
  const signals = part.kind === "postgres" ? (["SIGQUIT", "SIGINT"] as const) : (["SIGKILL", "SIGTERM"] as const);
  return { kind: "down", part, signal: signals[kind === "kill" ? 0 : 1] };
}

function planForgeFault(random: Random): ForgeFault {
  const kind = random.weighted(forgeFaults);
  const area = random.pick(["all", "comments", "pulls"] as const);
  switch (kind) {
    case "delay":
      return { kind, area, ms: 50 + random.below(2500) };
    case "stale":
    case "drop-answer":
      return { kind, area };
    case "limit":
      return { kind, area: random.pick([area, "tokens"] as const), seconds: 1 + random.below(5) };
    case "error":
      break;
  }
  return { kind, area: random.pick([area, "tokens"] as const), status: random.pick([500, 502, 503]) };
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
  if ("victim" in step) return `kill ${step.victim.process} of a container that is a ${step.victim.role}`;
  if ("repository" in step) return `push to main of repository ${step.repository}`;
  return "pull" in step ? `${step.kind} pull request ${step.pull}` : step.kind;
}

function printTrouble(trouble: Trouble): string {
  if (trouble.kind === "link") return `${trouble.link.name} ${trouble.link.index}: ${JSON.stringify(trouble.fault)}`;
  if (trouble.kind === "forge") return `forge: ${JSON.stringify(trouble.fault)}`;
  const name = trouble.part.kind === "central" ? `central ${trouble.part.index}` : trouble.part.kind;
  return trouble.kind === "paused" ? `${name} paused` : `${name} down by ${trouble.signal}`;
}
