import type { BuildPlan, Planned } from "#common/site-plan/build-plan.ts";
import { planFailure } from "#common/site-plan/build-plan.ts";
import { detectSite } from "#common/site-plan/detect-site.ts";
import { identifyShell } from "#worker/build/identify-shell.ts";
import { readSettings, type ConfigSettings } from "#common/site-plan/read-settings.ts";
import type { Clone } from "#worker/clone/fetch-commit.ts";
import { listFolder, readEntry } from "#worker/clone/read-tree.ts";

export type PlannedBuild = {
  plan: BuildPlan;
  /** Changes when the set of packages may: git's id of the lock file, or of package.json without one. */
  packagesId: string;
  /** Changes when what the repository's own flake makes may; '' without one. */
  shellId: string;
};

/** Reads from the commit what decides how it is built, and decides. */
export async function planBuild(clone: Clone, config: ConfigSettings, signal: AbortSignal): Promise<Planned<PlannedBuild>> {
  const top = (await listFolder(clone, "", signal)) ?? [];
  const deployEntry = top.find((entry) => entry.name === ".deploy.json");
  if (deployEntry !== undefined && deployEntry.kind !== "file") {
    return planFailure("deploy_json_invalid", `.deploy.json is a ${deployEntry.kind}; it must be a file`);
  }
  const settings = readSettings(config, (await readEntry(clone, top, ".deploy.json", signal))?.toString());
  if (!settings.ok) return settings;
  const { rootDir } = settings.value;
  const entries = rootDir === "" ? top : await listFolder(clone, rootDir, signal);
  if (entries === undefined)
    return planFailure("root_dir_missing", `root_dir ${JSON.stringify(rootDir)} is no folder of this commit`);
  const read = async (name: string): Promise<string | undefined> => (await readEntry(clone, entries, name, signal))?.toString();
  const planned = detectSite(settings.value, {
    names: new Set(entries.filter((entry) => entry.kind === "file").map((entry) => entry.name)),
    packageJson: await read("package.json"),
    zolaConfig: (await read("zola.toml")) ?? (await read("config.toml")),
    yarnLock: await read("yarn.lock"),
  });
  if (!planned.ok) return planned;
  const { lockFile } = planned.value;
  const packages = entries.find((entry) => entry.name === (lockFile ?? "package.json"));
  return { ok: true, value: { plan: planned.value, packagesId: packages?.id ?? "", shellId: identifyShell([entries, top]) } };
}
