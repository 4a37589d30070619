import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { createBenchRepository, deployOnce } from "./deploy-once.ts";
import { printFigure } from "./print-figure.ts";

const pullRequests = 10;

/** Resident memory at rest before and after 100 and 200 deployments. */
export async function measureMemory(stack: Stack): Promise<void> {
  const repository = await createBenchRepository(stack, "memory", { "index.html": "<p>main</p>" });
  await print(stack, "at rest before the deployments");
  for (let count = 1; count <= 200; count += 1) {
    const number = ((count - 1) % pullRequests) + 1;
    const branch = `change-${number}`;
    const text = `<p>deployment ${count}.</p>`;
    await deployOnce(stack, `pr-${number}-memory.one.localhost`, `deployment ${count}.`, async () => {
      await stack.forge.pushFiles({ ...repository, branch, files: { "index.html": text } });
      if (count <= pullRequests) await stack.forge.openPullRequest({ ...repository, head: branch });
    });
    if (count % 100 === 0) await print(stack, `at rest after ${count} deployments`);
  }
}

async function print(stack: Stack, when: string): Promise<void> {
  await sleep(5000);
  for (const [name, pid] of Object.entries({ Central: stack.central.pid, Worker: stack.workers[0]!.daemon.pid })) {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
    printFigure(`${name}'s resident memory ${when}`, `${(kilobytes / 1024).toFixed(0)} MB`, "under 200 MB, no growth");
  }
}
