import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { createBenchRepository, deployOnce } from "./deploy-once.ts";
import { median } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

const fixture = join(import.meta.dirname, "../fixtures/sveltekit");
// The install alone, timed inside the build without the project's own scripts: what is written becomes the page. npm's log of its fetches
// tells what came over the network (not what it calls stale: that is its cache), and how long those fetches took, added up.
const command = [
  "start=$(date +%s%N)",
  "npm ci --ignore-scripts --loglevel http 2>fetches",
  "took=$(( ($(date +%s%N) - start) / 1000000 ))",
  "mkdir -p out",
  `awk -v took=$took -v commit=$CATAPULT_COMMIT '/http fetch.*cache (miss|updated|revalidated|expired)/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+ms$/) { n++; sum += $i } }
    END { printf "%s install %d fetches %d download %d", commit, took, n, sum }' fetches > out/index.html`,
].join("; ");

/** The install of an unchanged dependency set without and with the repository's cache. */
export async function measureCache(stack: Stack): Promise<void> {
  const first: Install[] = [];
  const second: Install[] = [];
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
  print("first build", first);
  print("second build, same packages", second, "half the download or less");
}

type Install = { installMs: number; fetches: number; downloadMs: number };

function print(build: string, installs: Install[], aim?: string): void {
  const of = (key: keyof Install) => median(installs.map((install) => install[key]));
  printFigure(`npm's download in a repository's ${build}`, `${of("fetches")} fetches, ${of("downloadMs")} ms`, aim);
  printFigure(`npm ci in all, with unpacking`, milliseconds(of("installMs")));
}

async function readInstall(stack: Stack, host: string): Promise<Install> {
  const { body } = await visit(stack.workers[0]!.sitesPort, host);
  const [, installMs, fetches, downloadMs] = /install (\d+) fetches (\d+) download (\d+)/.exec(body) ?? [];
  return { installMs: Number(installMs), fetches: Number(fetches), downloadMs: Number(downloadMs) };
}
