import type { Stack } from "#test/support/stack.ts";
import { createBenchRepository, deployOnce } from "./deploy-once.ts";
import { median } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

const runs = 20;

/** A static site's pull request from being opened to its page; what is not git counts as Catapult's own. */
export async function measureStaticSite(stack: Stack): Promise<void> {
  const repository = await createBenchRepository(stack, "static", { "index.html": "<p>main</p>" });
  const totals: number[] = [];
  const own: number[] = [];
  for (let number = 1; number <= runs; number += 1) {
    const branch = `change-${number}`;
    await stack.forge.pushFiles({ ...repository, branch, files: { "index.html": `<p>${branch}.</p>` } });
    await stack.forge.settled();
    const { totalMs, stages } = await deployOnce(stack, `pr-${number}-static.one.localhost`, `${branch}.`, () =>
      stack.forge.openPullRequest({ ...repository, head: branch }),
    );
    totals.push(totalMs);
    own.push(totalMs - (stages["clone"] ?? 0));
  }
  printFigure(`static site, pull request opened to URL live, median of ${runs}`, milliseconds(median(totals)), "under 2 s");
  printFigure("of that without the clone", milliseconds(median(own)), "under 300 ms");
}
