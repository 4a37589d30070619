import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit, visitOnce, type Visit } from "#test/support/visit.ts";

const fixture = join(import.meta.dirname, "../fixtures/static");
const repository = { owner: "acme", name: "Hello.World" };
const previewHost = "pr-1-hello-world.one.localhost";
const productionHost = "hello.one.localhost";
const page = (version: string) => `<!doctype html><title>Static</title><p>version: ${version}</p>\n`;

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
  await stack.forge.createRepository({ ...repository, files: { directory: fixture } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: repository.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "hello",
    },
  });
}, podmanHookTimeout);

afterAll(() => stack?.stop());

const sitesPort = () => stack.workers[0]!.sitesPort;
const comments = (number: number) => stack.forge.comments({ ...repository, number });

async function waitForBody(host: string, text: string): Promise<Visit> {
  return eventually(async () => {
    const answer = await visit(sitesPort(), host);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toContain(text);
    return answer;
  });
}

describe("the life of a pull request", () => {
  test("a config's default branch is served at once, without a push", async () => {
    const answer = await waitForBody(productionHost, "version: one");
    expect(answer.headers["x-robots-tag"]).toBeUndefined();
  });

  test("opening it serves its head at its own host and says so in one comment by the App", async () => {
    await stack.forge.pushFiles({ ...repository, branch: "change", files: { "index.html": page("two") } });
    const pull = await stack.forge.openPullRequest({ ...repository, head: "change" });
    expect(pull.number).toBe(1);
    const answer = await waitForBody(previewHost, "version: two");
    expect(answer.headers["x-robots-tag"]).toBe("noindex");
    await eventually(async () => {
      const all = await comments(1);
      expect(all).toHaveLength(1);
      expect(all[0]!.user).toBe("catapult[bot]");
      expect(all[0]!.body).toContain(`http://${previewHost}:${sitesPort()}`);
      expect(all[0]!.body).toContain(pull.headSha.slice(0, 7));
    });
  });

  test("a push to it changes the content at the same URL, without one failed or mixed answer in between", async () => {
    const seen = new Set<string>();
    let requests = 0;
    const running = { value: true };
    const hammer = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (running.value) {
          // Caddy is not changed by this: each answer counts.
          const answer = await visitOnce(sitesPort(), previewHost);
          requests += 1;
          seen.add(`${answer.status} ${answer.body}`);
        }
      }),
    );
    try {
      await stack.forge.pushFiles({ ...repository, branch: "change", files: { "index.html": page("three") } });
      await waitForBody(previewHost, "version: three");
    } finally {
      running.value = false;
      await hammer;
    }
    expect(requests).toBeGreaterThan(20);
    expect(seen).toEqual(new Set([`200 ${page("two")}`, `200 ${page("three")}`]));
    const all = await comments(1);
    expect(all).toHaveLength(1);
  });

  test("closing it ends the site: 404, no files, and the comment says so", async () => {
    await stack.forge.closePullRequest({ ...repository, number: 1 });
    await eventually(async () => expect(await visit(sitesPort(), previewHost)).toMatchObject({ status: 404 }));
    const { rows } = await stack.pool.query<{ id: bigint; state: string }>("select id, state from sites where host = $1", [
      previewHost,
    ]);
    await eventually(async () => {
      const sites = await readdir(join(stack.workers[0]!.sitesDirectory, "sites"));
      expect(sites).not.toContain(String(rows[0]!.id));
      await expect(access(join(stack.workers[0]!.sitesDirectory, "live", previewHost))).rejects.toThrow("ENOENT");
    });
    await eventually(async () => expect((await comments(1))[0]!.body).toMatch(/removed/i));
    expect(await comments(1)).toHaveLength(1);
  });

  test("reopening it brings the site back, with the same comment", async () => {
    await stack.forge.reopenPullRequest({ ...repository, number: 1 });
    await waitForBody(previewHost, "version: three");
    await eventually(async () => {
      const all = await comments(1);
      expect(all).toHaveLength(1);
      expect(all[0]!.body).toContain(`http://${previewHost}:${sitesPort()}`);
    });
  });

  test("a push to the default branch changes the production host and leaves the preview alone", async () => {
    await stack.forge.pushFiles({ ...repository, branch: "main", files: { "index.html": page("four") } });
    await waitForBody(productionHost, "version: four");
    expect((await visit(sitesPort(), previewHost)).body).toContain("version: three");
  });

  test("every delivery ended processed or ignored with its reason", async () => {
    await stack.forge.settled();
    await eventually(async () => {
      const { rows } = await stack.pool.query<{ state: string; reason: string | null }>(
        "select state, reason from webhook_deliveries",
      );
      expect(rows.length).toBeGreaterThan(5);
      for (const row of rows) expect(["processed", "ignored", "superseded"]).toContain(row.state);
      expect(rows.filter((row) => row.state === "ignored" && !row.reason)).toEqual([]);
    });
  });
});

describe("a fork's pull request", () => {
  test("is recorded as held, says so in its comment, and is not built", async () => {
    const fork = await stack.forge.forkRepository({ ...repository, by: "stranger" });
    await stack.forge.pushFiles({
      owner: fork.owner,
      name: fork.name,
      branch: "evil",
      files: { "index.html": page("evil") },
      by: "stranger",
    });
    const pull = await stack.forge.openPullRequest({ ...repository, head: `${fork.owner}:evil`, by: "stranger" });
    await eventually(async () => {
      const all = await comments(pull.number);
      expect(all).toHaveLength(1);
      expect(all[0]!.body).toMatch(/approv/i);
    });
    const { rows } = await stack.pool.query<{ state: string; trust: string }>(
      "select d.state, d.trust from deployment_history d join sites s on s.id = d.site_id where s.pull_request = $1",
      [pull.number],
    );
    expect(rows).toEqual([{ state: "held", trust: "fork" }]);
    expect(await visit(sitesPort(), `pr-${pull.number}-hello-world.one.localhost`)).toMatchObject({ status: 404 });
  });
});
