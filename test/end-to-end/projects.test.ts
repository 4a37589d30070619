import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";

const buildTimeout = 300_000;
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
}, podmanHookTimeout);

afterAll(() => stack?.stop());

type Outcome = { state: string; site_type: string | null; failure_stage: string | null; failure_reason: string | null };

/** Opens a pull request with the fixture's files as they are in the folder and waits for the end of its deployment. */
async function deploy(fixture: string) {
  const repository = { owner: "acme", name: fixture };
  await stack.forge.createRepository({ ...repository, files: { "README.md": "# To be\n" } });
  await stack.forge.installApp(repository);
  const { deploymentConfig } = await stack.operator.createDeploymentConfig({
    deploymentConfig: { githubOrg: "acme", githubRepo: fixture, environment: "one", domain: "one.localhost", subdomain: fixture },
  });
  await stack.forge.pushFiles({
    ...repository,
    branch: "site",
    files: { directory: join(import.meta.dirname, "../fixtures", fixture) },
  });
  const { number } = await stack.forge.openPullRequest({ ...repository, head: "site" });
  const host = `pr-${number}-${deploymentConfig!.previewLabel}.one.localhost`;
  const outcome = await eventually(async () => {
    const { rows } = await stack.pool.query<Outcome>(
      `select d.state, d.site_type, d.failure_stage, d.failure_reason
       from deployment_history d join sites s on s.id = d.site_id where s.host = $1 and d.finished_at is not null`,
      [host],
    );
    expect(rows).toHaveLength(1);
    return rows[0]!;
  }, buildTimeout);
  const comment = await eventually(async () => {
    const comments = await stack.forge.comments({ ...repository, number });
    expect(comments).toHaveLength(1);
    expect(comments[0]!.body).not.toMatch(/Building/);
    return comments[0]!.body;
  });
  return { host, outcome, comment, visit: (path?: string) => visit(stack.workers[0]!.sitesPort, host, path) };
}

test(
  "create-vite's vanilla template, which has no vite.config, is built as vite with packages from the registry",
  { timeout: buildTimeout },
  async () => {
    const site = await deploy("vite-vanilla");
    expect(site.outcome).toMatchObject({ state: "succeeded", site_type: "vite" });
    const page = await site.visit();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.body)?.[1];
    const asset = await site.visit(script);
    expect(asset.status).toBe(200);
    expect(asset.headers["cache-control"]).toContain("immutable");
    expect((await site.visit("/assets/missing.js")).status).toBe(404);
  },
);

test("create-vite's svelte template, which has a svelte.config.js, is built as vite", { timeout: buildTimeout }, async () => {
  const site = await deploy("vite-svelte");
  expect(site.outcome).toMatchObject({ state: "succeeded", site_type: "vite" });
  expect((await site.visit()).body).toContain('<div id="app">');
});

test(
  "a project of sv create with adapter-static, which has no svelte.config, is built as sveltekit",
  { timeout: buildTimeout },
  async () => {
    const site = await deploy("sveltekit");
    expect(site.outcome).toMatchObject({ state: "succeeded", site_type: "sveltekit" });
    const page = await site.visit();
    expect(page.body).toContain("Welcome to SvelteKit");
    const script = /(\/?_app\/immutable\/[^"]+\.js)"/.exec(page.body)?.[1];
    const asset = await site.visit(`/${script?.replace(/^\//, "")}`);
    expect(asset).toMatchObject({ status: 200 });
    expect(asset.headers["cache-control"]).toContain("immutable");
  },
);

test("a repository's own flake without inputs decides in which shell its command runs", { timeout: buildTimeout }, async () => {
  const site = await deploy("own-flake");
  expect(site.outcome).toMatchObject({ state: "succeeded", site_type: "custom" });
  expect((await site.visit()).body).toContain("from the repository's own flake");
});

test(
  "a project that does not compile fails by its command, and the comment shows the failing lines",
  { timeout: buildTimeout },
  async () => {
    const site = await deploy("does-not-compile");
    expect(site.outcome).toMatchObject({ state: "failed", failure_stage: "build", failure_reason: "command_failed" });
    expect(site.comment).toContain("src/main.js");
    expect(site.comment).toContain("export const broken = (");
    expect(await site.visit()).toMatchObject({ status: 404 });
  },
);

// Debian has no Zola, and the nixpkgs reference that the zola shell is pinned to is not within the tests' reach. Shown here is that a Zola
// site is recognised, that its own shell is asked for, and that the failure says what could not be had. Building one is not shown.
test("a Zola site is recognised, and where nixpkgs is out of reach the failure says so", { timeout: buildTimeout }, async () => {
  const site = await deploy("zola");
  expect(site.outcome).toMatchObject({
    state: "failed",
    site_type: "zola",
    failure_stage: "build",
    failure_reason: "no_dev_shell",
  });
  expect(site.comment).toContain("zola");
  expect(site.comment).toContain("nixpkgs");
});
