import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./http/answer.ts";

/** Which calls a fault meets: all, unless narrowed. `path` is matched against the path under the API's root. */
export type FaultMatch = {
  method?: string;
  path?: RegExp;
  times?: number;
  /** Told of each call that the fault meets, before anything is done. */
  onCall?: (method: string, path: string) => void;
};

export type Fault = FaultMatch &
  /** Nothing but onCall. */
  (
    | { kind: "watch" }
    | { kind: "delay"; ms: number }
    /** Answered instead of doing anything: 403 or 429 with retry-after, 5xx. */
    | { kind: "answer"; status: number; headers?: Record<string, string>; message?: string }
    /** The call is done, then the connection is cut without an answer. */
    | { kind: "drop-answer" }
    /** Reads give what they first gave while the fault stands, however the state moves on. */
    | { kind: "stale" }
  );

export type Faults = {
  set(fault: Fault): () => void;
  clear(): void;
  /** What a fault answers instead of git; delays and the like are for the API alone. */
  answerOf(method: string, path: string): { status: number } | undefined;
  /** Runs a call under the faults that meet it. `undefined`: cut the connection. */
  run(method: string, path: string, call: () => Promise<Answer>): Promise<Answer | undefined>;
};

type Standing = { fault: Fault; left: number; seen: Map<string, Answer> };

export function createFaults(): Faults {
  const standing = new Set<Standing>();

  function take(method: string, path: string): Standing[] {
    const met = [...standing].filter(({ fault }) => (fault.method ?? method) === method && (fault.path?.test(path) ?? true));
    for (const one of met) {
      one.fault.onCall?.(method, path);
      if (--one.left <= 0) standing.delete(one);
    }
    return met;
  }

  return {
    set(fault) {
      const one: Standing = { fault, left: fault.times ?? Infinity, seen: new Map() };
      standing.add(one);
      return () => void standing.delete(one);
    },
    clear: () => standing.clear(),
    answerOf(method, path) {
      for (const { fault } of take(method, path)) if (fault.kind === "answer") return { status: fault.status };
      return undefined;
    },
    async run(method, path, call) {
      const met = take(method, path);
      for (const { fault } of met) if (fault.kind === "delay") await sleep(fault.ms);
      for (const { fault } of met)
        if (fault.kind === "answer")
          return {
            status: fault.status,
            body: { message: fault.message ?? "A fault of the test" },
            ...(fault.headers && { headers: fault.headers }),
          };
      const stale = met.find(({ fault }) => fault.kind === "stale");
      const before = stale?.seen.get(path);
      if (before !== undefined) return before;
      const answer = await call();
      stale?.seen.set(path, structuredClone(answer));
      return met.some(({ fault }) => fault.kind === "drop-answer") ? undefined : answer;
    },
  };
}
