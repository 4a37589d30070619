import type { RefusedCall } from "./refused-calls.ts";

/** What became of one attempt to reach an address. `token`: its listener answered. Else an error's code, or `connected`. */
export type Attempt = { protocol: "tcp" | "udp"; address: string; port: number; outcome: string };

/** One destination, in the words in which listeners tell of it too. */
export function format(o: { protocol: string; address: string; port: number }): string {
  return `${o.protocol} ${o.address} ${o.port}`;
}

export type Mount = { path: string; root: string; type: string; writable: boolean; bytes: number; inodes: number };

/** One thing that the probe saw from inside, told as one line. */
export type Observation =
  | { kind: "status"; name: string; value: string }
  | { kind: "written"; path: string }
  | { kind: "mount"; mount: Mount }
  | { kind: "device"; path: string; block: boolean }
  | { kind: "limit"; name: LimitName; value: number }
  /** `done`, an error's name, or the signal that ended the process. */
  | { kind: "call"; name: string; outcome: string }
  | { kind: "init"; command: string }
  | { kind: "ipv6"; interface: string }
  | { kind: "attempt"; attempt: Attempt }
  | { kind: "unrouted"; address: string }
  | { kind: "target"; resolved: boolean; connected: boolean; said: string }
  | { kind: "files"; opened: number; refused: boolean }
  | { kind: "fork"; made: number; refused: boolean }
  | { kind: "allocation"; killed: boolean }
  | { kind: "done" }
  | { kind: "error"; during: string; said: string };

export type LimitName = "memory" | "cpus" | "pids" | "nofile" | "nproc" | "core";

/** What the probe is told to try. */
export type ProbeRequest = {
  token: string;
  /** Each on the canary's own link, or a listener of the worker's. */
  attempts: Omit<Attempt, "outcome">[];
  /** Attempts at these are made only if the link carries them: they must not leave for anywhere else. */
  linked: string[];
  link: string;
  target?: { host: string; port: number };
  calls: readonly RefusedCall[];
  compatCall: string;
  /** How many files a process may have open. */
  files: number;
  pids: number;
  memoryBytes: number;
};

/** Begins each line that holds an observation. */
export const observationMark = "CANARY ";

export function parseObservation(line: string): Observation | undefined {
  if (!line.startsWith(observationMark)) return undefined;
  // The probe is ours: what does not fit its own words is seen as missing by whoever judges.
  try {
    const observation: Observation = JSON.parse(line.slice(observationMark.length));
    return observation;
  } catch {
    return undefined;
  }
}
