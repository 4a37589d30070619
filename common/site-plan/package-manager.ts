import type { PackageManager } from "./build-plan.ts";

const locks = [
  { file: "package-lock.json", manager: "npm" },
  { file: "npm-shrinkwrap.json", manager: "npm" },
  { file: "pnpm-lock.yaml", manager: "pnpm" },
  { file: "yarn.lock", manager: "yarn" },
] as const;

/** By the lock file; where there are several, package.json's packageManager decides between them. */
export function detectPackageManager(
  files: { names: ReadonlySet<string>; yarnLock: string | undefined },
  named: string | undefined,
): { name: PackageManager; lockFile: string | undefined } {
  const present = locks.filter(({ file }) => files.names.has(file));
  const wanted = named?.split("@")[0];
  const lock = present.find(({ manager }) => manager === wanted) ?? present[0];
  if (lock === undefined) return { name: "none", lockFile: undefined };
  if (lock.manager !== "yarn") return { name: lock.manager, lockFile: lock.file };
  // Yarn 2 and later begin their lock file with a __metadata block; version 1 has none.
  return { name: /^__metadata:/m.test(files.yarnLock ?? "") ? "yarn berry" : "yarn classic", lockFile: lock.file };
}

const commands: Record<PackageManager, string> = {
  npm: "npm ci && npm run build",
  pnpm: "pnpm install --frozen-lockfile && pnpm run build",
  "yarn classic": "yarn install --frozen-lockfile && yarn run build",
  "yarn berry": "yarn install --immutable && yarn run build",
  none: "npm install && npm run build",
};

/** Installs exactly what the lock file says, then builds. */
export function commandFor(manager: PackageManager): string {
  return commands[manager];
}
