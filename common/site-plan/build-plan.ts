export const siteTypes = ["sveltekit", "vite", "zola", "static", "custom"] as const;
export type SiteTypeName = (typeof siteTypes)[number];
export type PackageManager = "npm" | "pnpm" | "yarn classic" | "yarn berry" | "none";

/** How one commit is built. `command` is '' for a site that is served as it stands in the repository. */
export type BuildPlan = {
  siteType: SiteTypeName;
  command: string;
  /** Relative to rootDir; '' is rootDir itself. */
  outputDir: string;
  /** Relative to the repository's top; '' is the top. */
  rootDir: string;
  devshell: "sveltekit" | "vite" | "zola" | "default";
  packageManager: PackageManager;
  /** The file that decides which packages are installed, if there is one. */
  lockFile: string | undefined;
};

/** Why a commit cannot be built. `reason` is a stable name. */
export type PlanFailure = { reason: string; message: string };
export type Planned<T> = { ok: true; value: T } | { ok: false; failure: PlanFailure };

export function planFailure(reason: string, message: string): { ok: false; failure: PlanFailure } {
  return { ok: false, failure: { reason, message } };
}
