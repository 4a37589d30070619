import type { BuildLimits } from "#worker/sandbox/limits.ts";
import type { Observation } from "./observation.ts";

/** A proof that failed. The name may be shown to anyone; the detail is for the worker's log. */
export type FailedProof = { proof: string; detail: string };

export type Evidence = {
  limits: BuildLimits;
  ranges: readonly { range: string; address: string }[];
  gateway: string;
  /** The addresses of Podman's host, and the worker's own. */
  own: readonly string[];
  dns: readonly string[];
  /** Undefined: there is nothing outside that builds are to reach. */
  target: { host: string; port: number } | undefined;
  observations: readonly Observation[];
  /** What the listeners saw: an address, or for the worker's own listeners theirs. */
  hits: readonly string[];
  /** What Podman itself says of the build's container. */
  outside: { privileged: boolean; readOnly: boolean; mountTypes: readonly string[] };
  /** The second layer of rules on the host, looked at after the probe ran; undefined: nobody keeps one. */
  hostLayer?: { lost: boolean; reason: string };
  /** The run ended as one that ran out of memory does. */
  outOfMemory: boolean;
};

/** What each proof says: undefined, it holds. */
export type Findings = Record<string, string | undefined>;

/** The observations by kind. */
export type Seen = ReturnType<typeof sort>;

export function sort(observations: readonly Observation[]) {
  const of = <K extends Observation["kind"]>(kind: K): Extract<Observation, { kind: K }>[] =>
    observations.filter((observation): observation is Extract<Observation, { kind: K }> => observation.kind === kind);
  return {
    status: new Map(of("status").map(({ name, value }) => [name, value])),
    limits: new Map(of("limit").map(({ name, value }) => [name, value])),
    mounts: of("mount").map(({ mount }) => mount),
    attempts: of("attempt").map(({ attempt }) => attempt),
    unrouted: new Set(of("unrouted").map(({ address }) => address)),
    written: of("written").map(({ path }) => path),
    devices: of("device"),
    ipv6: of("ipv6").map((found) => found.interface),
    calls: new Map(of("call").map(({ name, outcome }) => [name, outcome])),
    init: of("init")[0]?.command,
    target: of("target")[0],
    files: of("files")[0],
    fork: of("fork")[0],
    allocation: of("allocation")[0],
  };
}

/** Undefined if it holds. */
export function expect(holds: boolean, detail: string): string | undefined {
  return holds ? undefined : detail;
}
