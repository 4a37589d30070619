import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { createBenchRepository, deployOnce } from "./deploy-once.ts";
import { median } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

const fixture = join(import.meta.dirname, "../fixtures/sveltekit");
// The install alone, timed inside the build: what is written becomes the page.
const command = `start=$(date +%s%N); npm ci --no-audit --no-fund; mkdir -p out; echo "<p>$CATAPULT_COMMIT installed in $(( ($(date +%s%N) - start) / 1000000 )) ms</p>" > out/index.html`;

/** The install of an unchanged dependency set without and with the repository's cache. */
export async function measureCache(stack: Stack): Promise<void> {
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 1; round <= 3; round += 1) {
    const name = `cache-${round}`;
    const repository = await createBenchRepository(
      stack,
      name,
      { directory: fixture },
      { buildCommand: command, outputDir: "out" },
    );
    first.push(await readInstall(stack, `${name}.one.localhost`));
    await sleep(5000); // The cache is saved behind the report.
    const { sha } = await stack.forge.pushFiles({ ...repository, branch: "change", files: { "change.txt": "a change" } });
    const host = `pr-1-${name}.one.localhost`;
    await deployOnce(stack, host, sha, () => stack.forge.openPullRequest({ ...repository, head: "change" }));
    second.push(await readInstall(stack, host));
  }
  printFigure("npm ci in a repository's first build, median of 3", milliseconds(median(first)));
  printFigure("npm ci in its second build, from the cache", milliseconds(median(second)));
  printFigure("the second is faster by", `${(median(first) / median(second)).toFixed(1)} times`, "2 times or more");
}

async function readInstall(stack: Stack, host: string): Promise<number> {
  const { body } = await visit(stack.workers[0]!.sitesPort, host);
  return Number(/installed in (\d+) ms/.exec(body)?.[1]);
}
