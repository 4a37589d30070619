import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BuildPlan, Planned } from "#common/site-plan/build-plan.ts";
import { detectSite } from "#common/site-plan/detect-site.ts";
import { judgeFolder, readSettings, type ConfigSettings } from "#common/site-plan/read-settings.ts";

const unset: ConfigSettings = { siteType: undefined, buildCommand: "", outputDir: "", rootDir: "" };

function plan(files: Record<string, string>, config: Partial<ConfigSettings> = {}): Planned<BuildPlan> {
  const settings = readSettings({ ...unset, ...config }, files[".deploy.json"]);
  if (!settings.ok) return settings;
  return detectSite(settings.value, {
    names: new Set(Object.keys(files)),
    packageJson: files["package.json"],
    zolaConfig: files["zola.toml"] ?? files["config.toml"],
    yarnLock: files["yarn.lock"],
  });
}

function packages(...names: string[]): string {
  return JSON.stringify({ devDependencies: Object.fromEntries(names.map((name) => [name, "1"])) });
}

function planned(files: Record<string, string>, config: Partial<ConfigSettings> = {}): BuildPlan {
  const result = plan(files, config);
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

function reason(files: Record<string, string>, config: Partial<ConfigSettings> = {}): string {
  const result = plan(files, config);
  return result.ok ? "" : `${result.failure.reason}: ${result.failure.message}`;
}

const lock = { "package-lock.json": "{}" };
const npm = "npm ci && npm run build";

test.each<[string, Record<string, string>, Partial<BuildPlan>]>([
  [
    "sveltekit",
    { "package.json": packages("@sveltejs/kit", "vite", "@sveltejs/adapter-static"), ...lock },
    { command: npm, outputDir: "build", devshell: "sveltekit" },
  ],
  [
    "vite",
    { "package.json": packages("vite"), "index.html": "", ...lock },
    { command: npm, outputDir: "dist", devshell: "vite" },
  ],
  [
    "vite",
    { "package.json": packages("vite", "svelte"), "svelte.config.js": "", "vite.config.ts": "", ...lock },
    { command: npm, outputDir: "dist" },
  ],
  ["vite", { "vite.config.mjs": "", "index.html": "" }, { command: "npm install && npm run build" }],
  [
    "zola",
    { "config.toml": '# x\nbase_url = "https://x"\n' },
    { command: 'zola build --base-url "$CATAPULT_URL"', outputDir: "public", devshell: "zola" },
  ],
  ["zola", { "zola.toml": 'base_url="x"', "index.html": "" }, { outputDir: "public" }],
  ["static", { "index.html": "", "package.json": packages("prettier") }, { command: "", outputDir: "" }],
  ["static", { "index.html": "", "config.toml": '[extra]\nbase_url = "x"' }, { command: "" }],
])("A repository is detected as %s", (siteType, files, expected) => {
  expect(planned(files)).toMatchObject({ siteType, ...expected });
});

test.each<[string, Record<string, string>, string]>([
  ["npm", lock, "npm ci"],
  ["pnpm", { "pnpm-lock.yaml": "" }, "pnpm install --frozen-lockfile"],
  ["yarn classic", { "yarn.lock": "# yarn lockfile v1\n" }, "yarn install --frozen-lockfile"],
  ["yarn berry", { "yarn.lock": "# x\n\n__metadata:\n  version: 8\n" }, "yarn install --immutable"],
  ["none", {}, "npm install"],
])("The lock file names the package manager: %s", (packageManager, files, command) => {
  const found = planned({ "package.json": packages("vite"), ...files });
  expect(found.packageManager).toBe(packageManager);
  expect(found.command.startsWith(`${command} && `)).toBe(true);
});

test("Of several lock files the one that package.json names counts", () => {
  const packageJson = JSON.stringify({ packageManager: "pnpm@9.0.0", devDependencies: { vite: "1" } });
  expect(planned({ "package.json": packageJson, ...lock, "pnpm-lock.yaml": "" }).lockFile).toBe("pnpm-lock.yaml");
});

test("The deployment config wins over .deploy.json, field by field, and both over detection", () => {
  const files = {
    "package.json": packages("vite"),
    ".deploy.json": '{"build_type":"custom","build_command":"make","output_dir":"out","root_dir":"web/"}',
  };
  expect(planned(files)).toMatchObject({ siteType: "custom", command: "make", outputDir: "out", rootDir: "web" });
  expect(planned(files, { buildCommand: "just" })).toMatchObject({ siteType: "custom", command: "just", outputDir: "out" });
  expect(planned(files, { siteType: "vite" })).toMatchObject({ siteType: "vite", command: "make", outputDir: "out" });
  expect(planned({ "index.html": "", ".deploy.json": '{"site_type":"auto","output_dir":"./public/"}' })).toMatchObject({
    siteType: "static",
    outputDir: "public",
  });
});

test.each<[string, Record<string, string>, string]>([
  ["no static adapter", { "package.json": packages("@sveltejs/kit") }, "@sveltejs/adapter-static"],
  ["nothing that fits", { "readme.md": "" }, "site_type_unknown"],
  ["custom without an output folder", { ".deploy.json": '{"site_type":"custom","build_command":"x"}' }, "missing: output_dir"],
  ["an unknown key", { ".deploy.json": '{"domain":"evil.test"}' }, 'unknown key "domain"'],
  ["an unknown site type", { ".deploy.json": '{"site_type":"hugo"}' }, 'unknown site_type "hugo"'],
  ["two site types", { ".deploy.json": '{"site_type":"vite","build_type":"zola"}' }, "differ"],
  ["a number for a text", { ".deploy.json": '{"output_dir":1}' }, "output_dir"],
  ["no object", { ".deploy.json": "[]" }, "one object"],
  ["no JSON", { ".deploy.json": "{" }, "is not JSON"],
  ["a package.json that is none", { "package.json": "{" }, "package_json_invalid"],
  ["a way out", { ".deploy.json": '{"output_dir":"a/../../b"}' }, "output_dir holds .."],
  ["an absolute folder", { ".deploy.json": '{"root_dir":"/etc"}' }, "root_dir is absolute"],
  ["git's own folder", { ".deploy.json": '{"output_dir":".GIT/x"}' }, "leads into .git"],
  ["a NUL", { ".deploy.json": '{"build_command":"a\\u0000b"}' }, "NUL"],
  ["a command without end", { ".deploy.json": JSON.stringify({ build_command: "x".repeat(5_000) }) }, "longer than"],
])("A repository with %s fails by name", (_, files, words) => {
  expect(reason(files)).toContain(words);
});

test("Whoever sets command and output by hand may use another adapter", () => {
  expect(planned({ "package.json": packages("@sveltejs/kit") }, { buildCommand: "make", outputDir: "out" })).toMatchObject({
    siteType: "sveltekit",
    command: "make",
  });
});

test("No folder that is accepted leads out of the repository", () => {
  const part = fc.oneof(fc.constantFrom("..", ".", "", ".git", "a", "\0", "\\"), fc.string({ maxLength: 20 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const folder = parts.join("/");
      if (judgeFolder(folder) !== undefined) return;
      expect(folder.startsWith("/") || folder.includes("\0")).toBe(false);
      expect(folder.split("/").some((step) => step === ".." || step.toLowerCase() === ".git")).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test("Whatever .deploy.json holds, it is read or refused by reason, and sets nothing but its four fields", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      const result = readSettings(unset, text);
      const outcome = result.ok ? Object.keys(result.value).toSorted().join() : result.failure.reason;
      expect(outcome).toMatch(/^(buildCommand,outputDir,rootDir,siteType|[a-z_]+_invalid)$/);
    }),
    { numRuns: 1_000 },
  );
});
