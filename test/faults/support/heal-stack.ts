import type { Stack } from "#test/support/stack.ts";

/** Takes back what a fault did: cuts, the forge's faults, failpoints, daemons and Caddys that were stopped, killed or ended. */
export async function healStack(stack: Stack): Promise<void> {
  for (const { proxy } of stack.links.all()) proxy.set({});
  stack.forge.clearFaults();
  for (const { caddy } of stack.workers) {
    if (caddy.isRunning()) caddy.resume();
    else await caddy.start();
  }
  const daemons = [...stack.centrals, ...stack.workers.map(({ daemon }) => daemon)];
  for (const daemon of daemons) {
    daemon.resume();
    daemon.arm("");
  }
  await Promise.all(daemons.filter((daemon) => !daemon.isRunning()).map(async (daemon) => daemon.start()));
}
