import { planFailure, type BuildPlan, type PackageManager, type Planned, type SiteTypeName } from "./build-plan.ts";
import { commandFor, detectPackageManager } from "./package-manager.ts";
import { readPackageJson } from "./read-package-json.ts";
import type { Settings } from "./read-settings.ts";

/** What lies in the site's folder of the repository: its file names and the content of those that decide. */
export type SiteFiles = {
  names: ReadonlySet<string>;
  packageJson: string | undefined;
  /** config.toml or zola.toml. */
  zolaConfig: string | undefined;
  yarnLock: string | undefined;
};

const viteConfig = /^vite\.config\.(js|mjs|cjs|ts|mts|cts)$/;

const outputs: Record<Exclude<SiteTypeName, "custom">, string> = { sveltekit: "build", vite: "dist", zola: "public", static: "" };

/** Decides how a commit is built: what is set wins field by field, the rest is detected. Pure. */
export function detectSite(settings: Settings, files: SiteFiles): Planned<BuildPlan> {
  const read = readPackageJson(files.packageJson);
  if (!read.ok) return read;
  const { dependencies } = read.value;
  const siteType = settings.siteType ?? detectSiteType(files, dependencies);
  if (siteType === undefined) return planFailure("site_type_unknown", describeSearch(settings.rootDir));
  const manager = detectPackageManager(files, read.value.packageManager);
  const common = { siteType, rootDir: settings.rootDir, packageManager: manager.name, lockFile: manager.lockFile };
  if (siteType === "custom") {
    const { buildCommand, outputDir } = settings;
    if (buildCommand === undefined || outputDir === undefined) {
      const missing = [buildCommand === undefined ? "build_command" : "", outputDir === undefined ? "output_dir" : ""].filter(
        Boolean,
      );
      return planFailure(
        "custom_incomplete",
        `a site of type custom needs build_command and output_dir; missing: ${missing.join(", ")}`,
      );
    }
    return { ok: true, value: { ...common, command: buildCommand, outputDir, devshell: "default" } };
  }
  const chosenByHand = settings.buildCommand !== undefined && settings.outputDir !== undefined;
  if (
    siteType === "sveltekit" &&
    !chosenByHand &&
    files.packageJson !== undefined &&
    !dependencies.has("@sveltejs/adapter-static")
  ) {
    return planFailure(
      "static_adapter_missing",
      "package.json has @sveltejs/kit but not @sveltejs/adapter-static, and only static files are served. Install @sveltejs/adapter-static and use it in the site's SvelteKit configuration.",
    );
  }
  return {
    ok: true,
    value: {
      ...common,
      command: settings.buildCommand ?? defaultCommand(siteType, manager.name),
      outputDir: settings.outputDir ?? outputs[siteType],
      devshell: siteType === "static" ? "default" : siteType,
    },
  };
}

function detectSiteType(files: SiteFiles, dependencies: ReadonlySet<string>): SiteTypeName | undefined {
  if (dependencies.has("@sveltejs/kit")) return "sveltekit";
  if (dependencies.has("vite") || files.names.values().some((name) => viteConfig.test(name))) return "vite";
  if (files.zolaConfig !== undefined && hasBaseUrl(files.zolaConfig)) return "zola";
  return files.names.has("index.html") ? "static" : undefined;
}

/** base_url must stand above the first table of the TOML. Hugo's is called baseURL. */
function hasBaseUrl(toml: string): boolean {
  for (const line of toml.split("\n")) {
    if (/^\s*\[/.test(line)) return false;
    if (/^\s*(base_url|"base_url"|'base_url')\s*=/.test(line)) return true;
  }
  return false;
}

function defaultCommand(siteType: Exclude<SiteTypeName, "custom">, manager: PackageManager): string {
  if (siteType === "static") return "";
  return siteType === "zola" ? 'zola build --base-url "$CATAPULT_URL"' : commandFor(manager);
}

function describeSearch(rootDir: string): string {
  const where = rootDir === "" ? "at the repository's top" : `in ${JSON.stringify(rootDir)}`;
  return (
    `the site's type could not be detected. Looked ${where} for: @sveltejs/kit in package.json (sveltekit), vite in package.json or ` +
    "vite.config.* (vite), base_url in config.toml or zola.toml (zola), index.html (static). Set site_type, or build_command and " +
    "output_dir with site_type custom, in the deployment config or in .deploy.json; root_dir if the site lies in another folder."
  );
}
