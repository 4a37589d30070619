import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ environments: ["one", "two"] });
}, podmanHookTimeout);

afterAll(() => stack?.stop());

test("two repositories of two tenants with two pull requests each, opened at once, each get their own page", async () => {
  const tenants = [
    { repository: { owner: "acme", name: "site" }, worker: stack.workers[0]! },
    { repository: { owner: "umbrella", name: "site" }, worker: stack.workers[1]! },
  ];
  await Promise.all(
    tenants.map(async ({ repository, worker }) => {
      await stack.forge.createRepository({ ...repository, files: { "index.html": `<p>${repository.owner} main</p>` } });
      await stack.forge.installApp(repository);
      await stack.operator.createDeploymentConfig({
        deploymentConfig: {
          githubOrg: repository.owner,
          githubRepo: repository.name,
          environment: worker.environment,
          domain: worker.domain,
        },
      });
    }),
  );
  const pulls = tenants.flatMap((tenant) => ["a", "b"].map((branch) => ({ ...tenant, branch })));
  const opened = await Promise.all(
    pulls.map(async ({ repository, worker, branch }) => {
      const text = `<p>${repository.owner} ${branch}</p>`;
      await stack.forge.pushFiles({ ...repository, branch, files: { "index.html": text } });
      const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
      return { repository, worker, number, text };
    }),
  );
  for (const { repository, worker, number, text } of opened) {
    await eventually(async () => {
      expect(await visit(worker.sitesPort, `pr-${number}-site.${worker.domain}`)).toMatchObject({ status: 200, body: text });
    });
    await eventually(async () => {
      const comments = await stack.forge.comments({ ...repository, number });
      expect(comments).toHaveLength(1);
      expect(comments[0]!.body).toContain(`pr-${number}-site.${worker.domain}`);
    });
  }
  for (const { repository, worker } of tenants)
    await eventually(async () =>
      expect(await visit(worker.sitesPort, worker.domain)).toMatchObject({
        status: 200,
        body: `<p>${repository.owner} main</p>`,
      }),
    );
  // No tenant's Caddy answers for the other's hosts.
  expect(await visit(tenants[0]!.worker.sitesPort, `pr-1-site.${tenants[1]!.worker.domain}`)).toMatchObject({ status: 404 });
});
