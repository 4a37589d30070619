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

/**
 * I1 to I8 once a fault has healed, which may take 60 s; gives back what then still is not so. With a watch, what hosts answered all the
 * while is judged too. It needs sites whose index.html is served as it was committed, and differs from commit to commit.
 */
export async function findBreaches(
  stack: Stack,
  o: { watch?: SiteWatch; healMs?: number; newBuild?: boolean } = {},
): Promise<Finding[]> {
  const deadline = Date.now() + (o.healMs ?? healMs);
  let findings: Finding[];
  // The last look begins after the deadline: one that began before it may have waited long for an engine that was busy.
  for (;;) {
    const began = Date.now();
    findings = await checkRest(stack);
    if (findings.length === 0 || began >= deadline) break;
    await sleep(500);
  }
  findings.push(...(await checkSecrets(stack)), ...(await checkStrangers(stack)));
  if (o.newBuild !== false) findings.push(...(await checkNewBuild(stack)));
  if (o.watch !== undefined) findings.push(...(await judgeWatch(stack, o.watch)));
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
        const file = await readCommitFile(stack, repositoryId, commit, path === "/" ? "index.html" : path.slice(1));
        if (file === undefined) continue;
        const key = `${path} ${digestOf(file)}`;
        generations.set(key, [...(generations.get(key) ?? []), generation]);
      }
    findings.push(...judgeSightings(host, sightings, (path, digest) => generations.get(`${path} ${digest}`) ?? []));
  }
  return findings;
}

/** I8: a push to each repository's default branch is served. */
async function checkNewBuild(stack: Stack): Promise<Finding[]> {
  const findings: Finding[] = [];
  const production = (await selectSites(stack)).filter(({ kind, state }) => kind === "production" && state === "wanted");
  for (const { owner, name, defaultBranch, host, environment } of production) {
    const text = `<!doctype html><p>pushed after all was healed at ${new Date().toISOString()}</p>\n`;
    await stack.forge.pushFiles({ owner, name, branch: defaultBranch, files: { "index.html": text } });
    const port = stack.workers.find((worker) => worker.environment === environment)?.sitesPort ?? 0;
    try {
      await eventually(async () => {
        const { status, body } = await visit(port, host);
        if (status !== 200 || body !== text) throw new Error(`it answers ${status} ${JSON.stringify(body.slice(0, 120))}`);
      }, healMs);
    } catch (error) {
      const seen = `a new push is not served: ${error instanceof Error ? error.message : String(error)}`;
      findings.push({ invariant: "I8", where: host, seen });
    }
  }
  return findings;
}
