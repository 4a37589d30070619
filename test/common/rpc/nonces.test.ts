import { describe, expect, it } from "vitest";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";

describe("the nonce store in memory", () => {
  it("takes a nonce once per key", async () => {
    const store = createMemoryNonceStore();
    const until = new Date();
    expect(await store.take("a", "n", until)).toBe(true);
    expect(await store.take("a", "n", until)).toBe(false);
    expect(await store.take("b", "n", until)).toBe(true);
  });

  it("keeps a nonce for at least its time, whenever its sets turn, and forgets it at last", async () => {
    let now = 0;
    const store = createMemoryNonceStore({ keepMs: 1000, now: () => now });
    const until = new Date();
    for (const takenAt of [0, 999, 1000, 1001]) {
      now = takenAt;
      expect(await store.take("k", `taken at ${takenAt}`, until)).toBe(true);
    }
    now = 1999;
    for (const takenAt of [999, 1000, 1001]) expect(await store.take("k", `taken at ${takenAt}`, until)).toBe(false);
    now = 2000;
    expect(await store.take("k", "taken at 1001", until)).toBe(false);
    now = 9000;
    expect(await store.take("k", "taken at 1001", until)).toBe(true);
  });
});
