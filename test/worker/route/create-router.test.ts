import { expect, test } from "vitest";
import { createRouter } from "#worker/route/create-router.ts";

test("Calls during a change share the next one, which sees what was wanted last", async () => {
  const applied: string[][] = [];
  let hosts = ["a.test"];
  const ends: (() => void)[] = [];
  const router = createRouter({
    hosts: () => ({ previews: hosts, production: [] }),
    async apply({ previews }) {
      applied.push(previews);
      await new Promise<void>((settle) => ends.push(settle));
    },
  });
  const first = router.reconcile();
  await new Promise((settle) => setImmediate(settle));
  const later = [router.reconcile(), router.reconcile(), router.reconcile()];
  hosts = ["a.test", "b.test"];
  ends.shift()?.();
  await first;
  await new Promise((settle) => setImmediate(settle));
  ends.shift()?.();
  await Promise.all(later);
  expect(applied).toEqual([["a.test"], ["a.test", "b.test"]]);
});

test("A change that failed is told to its callers, and does not fail the next", async () => {
  let calls = 0;
  const router = createRouter({
    hosts: () => ({ previews: [], production: [] }),
    apply: () => (calls++ > 0 ? Promise.resolve() : Promise.reject(new Error("no Caddy"))),
  });
  const first = router.reconcile();
  await new Promise((settle) => setImmediate(settle));
  const second = router.reconcile();
  await expect(first).rejects.toThrow("no Caddy");
  await second;
  expect(calls).toBe(2);
});
