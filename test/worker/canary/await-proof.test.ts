import { expect, test } from "vitest";
import { awaitProof } from "#worker/canary/await-proof.ts";
import type { CanaryState } from "#worker/canary/create-canary.ts";

const never = new AbortController().signal;

test("a build waits for the proof that is under way and gets its outcome, good or bad", async () => {
  for (const outcome of [
    { kind: "proven", imageId: "one" },
    { kind: "failed", proofs: ["memory"] },
  ] satisfies CanaryState[]) {
    const states: CanaryState[] = [{ kind: "running" }, { kind: "running" }, outcome];
    expect(await awaitProof({ state: () => states.shift() ?? outcome }, never)).toEqual(outcome);
    expect(states).toEqual([]);
  }
});

test("a proof that does not end is no proof, nor is one that nobody waits for any more", async () => {
  const state = (): CanaryState => ({ kind: "running" });
  expect(await awaitProof({ state }, never, 0)).toEqual({ kind: "running" });
  expect(await awaitProof({ state }, AbortSignal.abort())).toEqual({ kind: "running" });
});
