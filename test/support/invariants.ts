import { setTimeout as sleep } from "node:timers/promises";
import { checkComments } from "./invariants/check-comments.ts";
import { checkDeliveries } from "./invariants/check-deliveries.ts";
import { checkLeftovers } from "./invariants/check-leftovers.ts";
import { checkSecrets } from "./invariants/check-secrets.ts";
import { checkServed } from "./invariants/check-served.ts";
import { checkStrangers } from "./invariants/check-strangers.ts";
import { printFindings, type Finding } from "./invariants/finding.ts";
import { judgeSightings } from "./invariants/judge-sightings.ts";
import { readCommitFile } from "./invariants/read-commits.ts";
import { selectSites } from "./invariants/select-sites.ts";
import { digestOf, type SiteWatch } from "./invariants/watch-sites.ts";
import { eventually } from "./eventually.ts";
import type { Stack } from "./stack.ts";
import { visit } from "./visit.ts";

export { printFindings, type Finding } from "./invariants/finding.ts";
export { watchSites, type SiteWatch } from "./invariants/watch-sites.ts";

const healMs = 60_000;
const mostSlowMs = 300_000;

/**
 * I1 to I8 once a fault has healed, which may take 60 s; gives back what then still is not so. `slowMs` tells how much of the time since some
 * moment was not the product's, since the machine beneath it was too slow: up to five minutes of that do not count. With a watch, what hosts answered all the
 * while is judged too, and what went over a cap. It needs sites whose index.html is served as it was committed, and differs from commit to commit.
 */
export async function findBreaches(
  stack: Stack,
  o: { watch?: SiteWatch; healMs?: number; newBuild?: boolean; slowMs?: () => number } = {},
): Promise<Finding[]> {
  const start = Date.now();
  const slowBefore = o.slowMs?.() ?? 0;
  const deadline = (): number =>
    start + (o.healMs ?? healMs) + Math.min(mostSlowMs, Math.max(0, (o.slowMs?.() ?? 0) - slowBefore));
  let findings: Finding[];
  // The last look begins after the deadline: one that began before it may have waited long for an engine that was busy.
  for (;;) {
    const began = Date.now();
    findings = await checkRest(stack);
    if (findings.length === 0 || began >= deadline()) break;
    await sleep(500);
  }
  findings.push(...(await checkSecrets(stack)), ...(await checkStrangers(stack)));
  if (o.newBuild !== false) findings.push(...(await checkNewBuild(stack)));
  if (o.watch !== undefined) findings.push(...(await judgeWatch(stack, o.watch)), ...o.watch.excesses());
  return findings;
}

/** Throws what findBreaches finds. */
export async function checkInvariants(stack: Stack, o: Parameters<typeof findBreaches>[1] = {}): Promise<void> {
  const findings = await findBreaches(stack, o);
  if (findings.length > 0) throw new Error(`Invariants that do not hold:\n${printFindings(findings)}`);
}

async function checkRest(stack: Stack): Promise<Finding[]> {
  try {
    const checks = [checkDeliveries, checkServed, checkComments, checkLeftovers];
    return (await Promise.all(checks.map(async (check) => check(stack)))).flat();
  } catch (error) {
    return [
      { invariant: "I8", where: "the checker", seen: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    ];
  }
}

/** What each host answered while the watch ran, against every release that was ever deployed there. */
async function judgeWatch(stack: Stack, watch: SiteWatch): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { id, host, repositoryId } of await selectSites(stack)) {
    const sightings = watch.sightings().get(host) ?? [];
    const paths = [...new Set(sightings.map(({ path }) => path))];
    const { rows } = await stack.pool.query<{ generation: bigint; commit: string }>(
      "select generation, commit_sha as commit from deployment_history where site_id = $1",
      [id],
    );
    const generations = new Map<string, bigint[]>();
    for (const { generation, commit } of rows)
      for (const path of paths) {
        const digest = await readDigest(stack, repositoryId, commit, path === "/" ? "index.html" : path.slice(1));
        if (digest === undefined) continue;
        const key = `${path} ${digest}`;
        generations.set(key, [...(generations.get(key) ?? []), generation]);
      }
    findings.push(...judgeSightings(host, sightings, (path, digest) => generations.get(`${path} ${digest}`) ?? []));
  }
  return findings;
}

/** A commit does not change, and each fault's watch is judged by all of them. */
const digests = new WeakMap<Stack, Map<string, string | undefined>>();

async function readDigest(stack: Stack, repositoryId: bigint, commit: string, file: string): Promise<string | undefined> {
  const known = digests.get(stack) ?? new Map<string, string | undefined>();
  digests.set(stack, known);
  const key = `${repositoryId} ${commit} ${file}`;
  if (!known.has(key)) {
    const content = await readCommitFile(stack, repositoryId, commit, file);
    known.set(key, content === undefined ? undefined : digestOf(content));
  }
  return known.get(key);
}

/** I8: a push to each repository's default branch is served. */
async function checkNewBuild(stack: Stack): Promise<Finding[]> {
  const production = (await selectSites(stack)).filter(({ kind, state }) => kind === "production" && state === "wanted");
  const found = await Promise.all(
    production.map(async ({ owner, name, defaultBranch, host, environment }): Promise<Finding[]> => {
      const text = `<!doctype html><p>pushed after all was healed at ${new Date().toISOString()}</p>\n`;
      await stack.forge.pushFiles({ owner, name, branch: defaultBranch, files: { "index.html": text } });
      const port = stack.workers.find((worker) => worker.environment === environment)?.sitesPort ?? 0;
      try {
        await eventually(async () => {
          const { status, body } = await visit(port, host);
          if (status !== 200 || body !== text) throw new Error(`it answers ${status} ${JSON.stringify(body.slice(0, 120))}`);
        }, healMs);
        return [];
      } catch (error) {
        const seen = `a new push is not served: ${error instanceof Error ? error.message : String(error)}`;
        return [{ invariant: "I8", where: host, seen }];
      }
    }),
  );
  return found.flat();
}
