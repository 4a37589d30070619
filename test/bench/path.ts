import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "#local/postgres/start-postgres.ts";
import { startStack } from "#test/support/stack.ts";
import { measureCache } from "./measure-cache.ts";
import { measureMemory } from "./measure-memory.ts";
import { measureStart } from "./measure-start.ts";
import { measureStaticSite } from "./measure-static-site.ts";
import { measureWebhook } from "./measure-webhook.ts";

// Figures of the whole path on this machine: `npm run bench:path`, or `npm run bench:path -- webhook static` for some of them.
const wanted = new Set(process.argv.slice(2));
const isWanted = (part: string): boolean => wanted.size === 0 || wanted.has(part);

const directory = await mkdtemp(join(tmpdir(), "catapult-bench-"));
try {
  if (["webhook", "static", "cache", "memory"].some(isWanted)) {
    const postgres = await startPostgres({ stateDir: directory, log: () => {} });
    try {
      const stack = await startStack({ database: { url: postgres.url, drop: async () => {} } });
      try {
        if (isWanted("webhook")) await measureWebhook(stack);
        if (isWanted("static")) await measureStaticSite(stack);
        if (isWanted("cache")) await measureCache(stack);
        if (isWanted("memory")) await measureMemory(stack);
      } finally {
        await stack.stop();
      }
    } finally {
      await postgres.stop();
    }
  }
  if (isWanted("start")) await measureStart(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
