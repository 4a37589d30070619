import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { manifestFile, type Manifest } from "#worker/publish/manifest.ts";
import { sitePaths } from "#worker/publish/site-paths.ts";
import type { Stack } from "../stack.ts";
import { visit } from "../visit.ts";
import type { Finding } from "./finding.ts";
import { readBranchHead, readCommitFile } from "./read-commits.ts";
import { selectSites, type SiteRow } from "./select-sites.ts";
import { digestOf } from "./watch-sites.ts";

/** I2 and I3 at rest: each open pull request serves its head, each closed one a 404, each default branch its head, and whole releases. */
export async function checkServed(stack: Stack): Promise<Finding[]> {
  const sites = await selectSites(stack);
  const found = await Promise.all([
    ...sites.map(async (site) => checkSite(stack, site)),
    ...[...new Map(sites.map((site) => [site.repositoryId, site])).values()].map(async (one) => checkMissing(stack, sites, one)),
  ]);
  return found.flat();
}

async function checkSite(stack: Stack, site: SiteRow): Promise<Finding[]> {
  const breach = (seen: string, invariant: Finding["invariant"] = "I2"): Finding[] => [{ invariant, where: site.host, seen }];
  const worker = stack.workers.find((one) => one.environment === site.environment);
  if (worker === undefined) return [];
  const where = `the tables say ${site.state}, generation ${site.generation}, live ${site.liveCommit ?? "nothing"}`;
  if (site.unfinished.length > 0) return breach(`still under way: ${site.unfinished.join(", ")}; ${where}`);
  const wanted = await findWanted(stack, site);
  const answer = await visit(worker.sitesPort, site.host).catch((error: Error) => error);
  if (answer instanceof Error) return breach(`no answer: ${answer.message}`);
  if (wanted === undefined) {
    if (answer.status !== 404) return breach(`its pull request is closed, and it answers ${answer.status}; ${where}`);
    return site.state === "removed" ? [] : breach(`its pull request is closed, and ${where}`);
  }
  if (site.state === "evicted") return answer.status === 404 ? [] : breach(`evicted, and answers ${answer.status}`);
  const index = await readCommitFile(stack, site.repositoryId, wanted, "index.html");
  if (answer.status !== 200 || answer.body !== index?.toString())
    return breach(
      `the newest is ${wanted}, and it answers ${answer.status} ${JSON.stringify(answer.body.slice(0, 120))}; ${where}`,
    );
  if (site.liveCommit !== wanted) return breach(`serves ${wanted}, and ${where}`);
  return checkRelease(worker, site);
}

/** Its whole live release, file by file, against the manifest that was written when it was made. */
async function checkRelease(worker: Stack["workers"][number], site: SiteRow): Promise<Finding[]> {
  const file = manifestFile(sitePaths(worker.sitesDirectory, site.id).manifests, site.liveRelease ?? "");
  const breach = (seen: string): Finding => ({ invariant: "I3", where: site.host, seen });
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return [breach(`its live release ${site.liveRelease} has no manifest`)];
  const findings: Finding[] = [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the worker's own file
  for (const { path, sha256 } of (JSON.parse(text) as Manifest).files) {
    const content = await readFile(join(worker.sitesDirectory, "live", site.host, path)).catch(() => undefined);
    if (content === undefined) findings.push(breach(`${path} of release ${site.liveRelease} is not there`));
    else if (digestOf(content) !== sha256) findings.push(breach(`${path} is not as release ${site.liveRelease} has it`));
  }
  return findings;
}

/** The commit that is to be live, undefined for none. */
async function findWanted(stack: Stack, site: SiteRow): Promise<string | undefined> {
  if (site.pullRequest === null) return readBranchHead(stack, site.repositoryId, site.defaultBranch);
  const pull = stack.forge.pullRequest({ owner: site.owner, name: site.name, number: Number(site.pullRequest) });
  return pull.state === "open" ? pull.headSha : undefined;
}

/** An open pull request that no site was ever made for. */
async function checkMissing(stack: Stack, sites: readonly SiteRow[], o: SiteRow): Promise<Finding[]> {
  const known = new Set(
    sites.filter(({ repositoryId }) => repositoryId === o.repositoryId).map((site) => Number(site.pullRequest)),
  );
  const pulls = await stack.forge.pullRequests({ owner: o.owner, name: o.name });
  return pulls
    .filter(({ state, number }) => state === "open" && !known.has(number))
    .map(({ number }) => ({ invariant: "I2", where: `${o.owner}/${o.name}#${number}`, seen: "it is open and has no site" }));
}
