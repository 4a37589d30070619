import { expect, test } from "vitest";
import { createReadiness } from "#worker/accept/readiness.ts";
import { withDraining } from "#worker/accept/with-draining.ts";

test("A worker that stops says so at once, whatever its readiness was a moment ago, and as something that passes", async () => {
  let stopping = false;
  const readiness = withDraining(createReadiness({ probes: {} }), () => stopping);
  expect(await readiness.check()).toEqual({ problems: [], soon: false });
  stopping = true;
  expect(await readiness.check()).toEqual({ problems: [expect.stringMatching(/^draining: /)], soon: true });
});
