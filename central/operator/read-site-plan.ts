import type { GitHub } from "#central/github/create-github.ts";
import type { RepositoryName } from "#central/github/get-pull-request.ts";
import { type ContentEntry, listContents, maxFileBytes, readContents } from "#central/github/read-contents.ts";
import type { BuildPlan, PlanFailure } from "#common/site-plan/build-plan.ts";
import { detectSite } from "#common/site-plan/detect-site.ts";
import { type ConfigSettings, readSettings, type Settings } from "#common/site-plan/read-settings.ts";

export type SitePlan = {
  plan: BuildPlan | undefined;
  deployJson: string | undefined;
  hasFlake: boolean;
  problems: PlanFailure[];
};

const decides = ["package.json", "zola.toml", "config.toml", "yarn.lock"] as const;

/** Reads from a commit at GitHub what a worker reads from its clone, and decides as it does: six files at most, of the sizes that GitHub names first. */
export async function readSitePlan(
  github: GitHub,
  name: RepositoryName,
  commit: string,
  config: ConfigSettings,
): Promise<SitePlan> {
  const top = (await listContents(github, name, { commit, path: "" })) ?? [];
  const deployJson = await readEntry(github, name, top, { commit, folder: "", file: ".deploy.json" });
  const found = { plan: undefined, deployJson, hasFlake: isFile(top, "flake.nix") };
  const deployEntry = top.find((entry) => entry.name === ".deploy.json");
  if (deployEntry !== undefined && deployEntry.kind !== "file") {
    return { ...found, problems: [{ reason: "deploy_json_invalid", message: ".deploy.json must be a file" }] };
  }
  const settings = readSettings(config, deployJson);
  if (!settings.ok) return { ...found, problems: [settings.failure] };
  const { rootDir } = settings.value;
  const entries = rootDir === "" ? top : await listContents(github, name, { commit, path: rootDir });
  if (entries === undefined) {
    const message = `root_dir ${JSON.stringify(rootDir)} is no folder of this commit`;
    return { ...found, problems: [{ reason: "root_dir_missing", message }] };
  }
  const hasFlake = found.hasFlake || isFile(entries, "flake.nix");
  const planned = await detect(github, name, commit, { settings: settings.value, entries });
  return planned.ok
    ? { deployJson, hasFlake, plan: planned.value, problems: [] }
    : { deployJson, hasFlake, plan: undefined, problems: [planned.failure] };
}

async function detect(
  github: GitHub,
  name: RepositoryName,
  commit: string,
  o: { settings: Settings; entries: readonly ContentEntry[] },
): Promise<ReturnType<typeof detectSite>> {
  const { settings, entries } = o;
  const texts = new Map<string, string | undefined>();
  for (const file of decides) texts.set(file, await readEntry(github, name, entries, { commit, folder: settings.rootDir, file }));
  return detectSite(settings, {
    names: new Set(entries.filter((entry) => entry.kind === "file").map((entry) => entry.name)),
    packageJson: texts.get("package.json"),
    zolaConfig: texts.get("zola.toml") ?? texts.get("config.toml"),
    yarnLock: texts.get("yarn.lock"),
  });
}

async function readEntry(
  github: GitHub,
  name: RepositoryName,
  entries: readonly ContentEntry[],
  o: { commit: string; folder: string; file: string },
): Promise<string | undefined> {
  const entry = entries.find((each) => each.name === o.file && each.kind === "file");
  if (entry === undefined || entry.bytes > maxFileBytes) return undefined;
  return readContents(github, name, { commit: o.commit, path: o.folder === "" ? o.file : `${o.folder}/${o.file}` });
}

function isFile(entries: readonly ContentEntry[], name: string): boolean {
  return entries.some((entry) => entry.name === name && entry.kind === "file");
}
