import { expect } from "vitest";
import type { Failpoint } from "#common/failpoints.ts";
import type { Daemon } from "#test/support/daemon.ts";
import { eventually } from "#test/support/eventually.ts";

export type Holds = {
  /** Does `begin`, and settles once the daemon stands still at that place. What it held before stays held. */
  at<T>(step: Failpoint, begin: () => Promise<T>): Promise<T>;
  /** All of them go on; with a daemon that is stopped, as soon as that goes on. */
  release(): void;
};

/** Stops the work of a daemon at places of its code, each site's at its own, until it is released. */
export function createHolds(daemon: Daemon): Holds {
  const held: Failpoint[] = [];
  return {
    async at(step, begin) {
      const count = async (): Promise<number> => (await daemon.log()).split(`failpoint ${step}: hold`).length;
      const before = await count();
      // Of a place that holds already only the name counts: no other site is to be held there.
      daemon.arm([...held.map((each) => `${each}:hold@1000`), `${step}:hold`].join(","));
      held.push(step);
      const begun = await begin();
      await eventually(async () => expect(await count()).toBe(before + 1));
      return begun;
    },
    release() {
      held.length = 0;
      daemon.arm("");
    },
  };
}
