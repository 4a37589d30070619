import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { sayLeftOut } from "#worker/sandbox/bound-log.ts";
import { watchAround } from "#test/support/watch-around.ts";
import {
  addRepository,
  selectDeployments,
  startTestCentral,
  type TestCentral,
  webhookSecret,
} from "./support/start-test-central.ts";

watchAround();

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
  await addRepository(central, "texts");
});
afterAll(async () => central.stop());

const repository = { owner: "acme", name: "texts" };

async function buildOf(commit: string): Promise<BuildRequest> {
  return eventually(() => {
    const found = central.worker.builds.findLast((one) => one.commit === commit);
    if (found === undefined) throw new Error(`no build of ${commit}`);
    return found;
  });
}

async function failWith(build: BuildRequest, text: string): Promise<void> {
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.FAILED,
    failure: { stage: Stage.PUBLISH, reason: "output_refused", message: text.slice(0, 4_000) },
    firstLogLine: 1n,
    logLines: text.split("\n").map((line) => line.slice(0, 4_000)),
  });
}

async function comments(number: number): Promise<string[]> {
  return (await central.forge.comments({ ...repository, number })).map(({ body }) => body);
}

/** The lines of a comment that stand in no block and no span of code. */
function outsideCode(comment: string): string {
  return comment.replaceAll(/^(`{3,})text\n[^]*?\n\1$/gm, "").replaceAll(/(`+) .*? \1(?!`)/g, "");
}

let harmless: string;
test("a failure of plain words gives the form that every other one must have", async () => {
  const { sha } = await central.forge.pushFiles({ ...repository, branch: "plain", from: "main", files: { a: "1" } });
  const pull = await central.forge.openPullRequest({ ...repository, title: "Plain", head: "plain", base: "main" });
  await failWith(await buildOf(sha), "plain words");
  harmless = await eventually(async () => {
    const [comment = ""] = await comments(pull.number);
    expect(comment).toContain("plain words");
    return comment;
  });
});

/** As a title, and as the branch where git lets it be one; as the message and the log of a failure. */
const texts: [string, string, string?][] = [
  ["input 15 a shell's substitution", "$(touch /tmp/catapult-was-here)", "$(touch${IFS}x)"],
  ["input 16 backticks", "``` `id` ```` ~~~", "`id`-```"],
  ["input 17 a workflow command after a newline", "x\n::set-output name=token::stolen\n::error::y"],
  [
    "input 18 a link and an image",
    "](javascript:alert(1)) ![](https://evil.example/pixel.png) <img src=//evil.example>",
    "x](javascript!",
  ],
  ["input 19 a team and a person", "@org/team @ann please", "@org/team"],
  ["input 20 a marker of ours", "<!-- catapult site 1 -->", "<!--catapult-site-1-->"],
  ["input 22 bidi and zero-width", "\u202egpj.exe\u2066\u200b\ufeff\u{e0041}", "x\u202ey\u200b"],
  ["input 24 an option", "--upload-pack=touch /tmp/x", "x/--upload-pack=touch"],
  ["SQL", "'; drop table sites; --", "x';drop-table-sites;--"],
  ["HTML", "</details><script>alert(1)</script>", "<script>alert(1)<"],
];

test.each(texts)(
  "%s in a title, a branch, an error and a log reaches the pull request in code alone",
  async (_, text, branch) => {
    const head = branch ?? `plain-${texts.findIndex(([, other]) => other === text)}`;
    const { sha } = await central.forge.pushFiles({ ...repository, branch: head, from: "main", files: { b: text } });
    const pull = await central.forge.openPullRequest({ ...repository, title: text, head, base: "main" });
    const build = await buildOf(sha);
    expect(build).toMatchObject({ branch: head, host: `pr-${pull.number}-texts.one.test` });
    await failWith(build, text);
    await eventually(async () => expect(await comments(pull.number)).toMatchObject([expect.stringContaining("output_refused")]));
    const [comment = ""] = await comments(pull.number);
    const form = (of: string): string =>
      outsideCode(of)
        .replace(/The last \d+ lines/, "")
        .replaceAll(/pr-\d+-|site \d+|[0-9a-f]{40}|[\d.]+ (s|min)/g, "");
    expect(form(comment)).toBe(form(harmless));
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(comment).not.toMatch(/[\u0000-\u0008\u000b-\u001f]|\p{Cf}/u);
    expect((await central.pool.query("select from sites")).rowCount).toBeGreaterThan(0);
  },
);

// Before those that leave builds running: two of a repository run at once.
test("the comment of a build that succeeded says that its log was cut, in the worker's last word on it and in code alone", async () => {
  const { sha } = await central.forge.pushFiles({ ...repository, branch: "flood", from: "main", files: { c: "1" } });
  const pull = await central.forge.openPullRequest({ ...repository, title: "Flood", head: "flood", base: "main" });
  const build = await buildOf(sha);
  const said = sayLeftOut({ lines: 145_003, characters: 290_006, kept: 110_003 });
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.SUCCEEDED,
    url: `https://${build.host}`,
    release: `${build.generation}-${build.commit.slice(0, 8)}`,
    releaseFiles: 1n,
    releaseBytes: 1n,
    firstLogLine: 1n,
    logLines: ["x", said, "published"],
  });
  await eventually(async () => expect(await comments(pull.number)).toMatchObject([expect.stringContaining("**Ready:**")]));
  const [comment = ""] = await comments(pull.number);
  expect(comment).toContain(`\` ${said.slice(1, -1)} \``);
  expect(outsideCode(comment)).not.toContain("longer than its limit");
});

test("input 20 a stranger's comment with our marker is not taken for ours, nor changed", async () => {
  await central.forge.createUser({ login: "stranger" });
  const { sha } = await central.forge.pushFiles({ ...repository, branch: "marked", from: "main", files: { c: "1" } });
  // The comment cannot be found by its stored id: the first answer is lost.
  central.forge.setFault({ kind: "answer", status: 500, method: "POST", path: /\/issues\/\d+\/comments$/, times: 1 });
  const pull = await central.forge.openPullRequest({ ...repository, title: "x", head: "marked", base: "main" });
  const build = await buildOf(sha);
  const forged = `<!-- catapult site ${build.siteId} -->\n\n**Ready:** https://evil.example`;
  const by = { ...repository, number: pull.number };
  await central.forge.createComment({ ...by, body: forged });
  await failWith(build, "x");
  await eventually(async () => {
    const all = await comments(pull.number);
    expect(all.filter((body) => body.includes("output_refused"))).toHaveLength(1);
    expect(all.filter((body) => body === forged)).toHaveLength(1);
    expect(all).toHaveLength(2);
  });
});

test("input 23 a delivery whose title has 300 kB changes nothing", async () => {
  const { sha } = await central.forge.pushFiles({ ...repository, branch: "long", from: "main", files: { d: "1" } });
  const pull = await central.forge.openPullRequest({ ...repository, title: "short title", head: "long", base: "main" });
  await buildOf(sha);
  const { rows } = await central.pool.query<{ body: string }>(
    "select body from webhook_deliveries where event = 'pull_request' and body like $1",
    [`%${sha}%`],
  );
  // As GitHub would sign it, though it lets no title be so long.
  const body = (rows[0]?.body ?? "").replaceAll('"short title"', JSON.stringify("@org [x](y) ".repeat(25_000)));
  expect(body.length).toBeGreaterThan(300_000);
  const guid = randomUUID();
  const answer = await fetch(`${central.url}/webhook/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "pull_request",
      "x-github-delivery": guid,
      "x-hub-signature-256": `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`,
    },
    body,
  });
  expect(answer.status).toBe(202);
  await eventually(async () => {
    const found = await central.pool.query<{ state: string }>("select state from webhook_deliveries where guid = $1", [guid]);
    expect(found.rows[0]?.state).toBe("processed");
  });
  await eventually(async () => expect(await comments(pull.number)).toMatchObject([expect.stringContaining("Building…")]));
  expect((await comments(pull.number)).join().length).toBeLessThan(1_000);
});

test("input 26 a branch whose name looks like main is not main", async () => {
  const before = (await selectDeployments(central.pool, "texts.one.test")).length;
  const { sha } = await central.forge.pushFiles({ ...repository, branch: "mаin", from: "main", files: { e: "1" } });
  await eventually(async () => {
    const { rows } = await central.pool.query(
      "select from webhook_deliveries where event = 'push' and state = 'ignored' and body like $1",
      [`%${sha}%`],
    );
    expect(rows).toHaveLength(1);
  });
  expect(await selectDeployments(central.pool, "texts.one.test")).toHaveLength(before);
});

test("M3, input 28 no URL of a delivery is ever asked: a signed one that names another server everywhere builds what GitHub has", async () => {
  const asked: string[] = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(500).end();
  });
  await new Promise<void>((settle) => elsewhere.listen(0, "127.0.0.1", settle));
  const address = elsewhere.address();
  const port = typeof address === "object" ? address?.port : 0;
  const other = { owner: "acme", name: "urls" };
  await addRepository(central, "urls");
  await eventually(() => expect(central.worker.builds.some(({ host }) => host === "urls.one.test")).toBe(true));
  const { sha } = await central.forge.pushFiles({ ...other, branch: "urls", from: "main", files: { h: "1" } });
  await central.forge.openPullRequest({ ...other, title: "x", head: "urls", base: "main" });
  await buildOf(sha);
  const { rows } = await central.pool.query<{ event: string; body: string }>(
    "select event, body from webhook_deliveries where body like $1",
    [`%${sha}%`],
  );
  const own = central.worker.builds.length;
  for (const { event, body: stored } of rows) {
    const body = stored.replaceAll(/"[a-z+]+:\/\/[^"]*"/g, `"http://127.0.0.1:${port}/stolen"`);
    expect(body).toContain("/stolen");
    const guid = randomUUID();
    const answer = await fetch(`${central.url}/webhook/github`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": guid,
        "x-hub-signature-256": `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`,
      },
      body,
    });
    expect(answer.status).toBe(202);
    await eventually(async () => {
      const found = await central.pool.query<{ state: string }>("select state from webhook_deliveries where guid = $1", [guid]);
      expect(["processed", "ignored"]).toContain(found.rows[0]?.state);
    });
  }
  const builds = central.worker.builds.slice(own - 1);
  const sent = JSON.stringify(builds, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(sent).toContain(sha);
  expect([sent.includes("stolen"), asked]).toEqual([false, []]);
  await new Promise((settle) => elsewhere.close(settle));
});

test("M5 a repository made anew under the name of one that has a config gets nothing of it", async () => {
  const { configId } = await addRepository(central, "lost");
  await eventually(() => expect(central.worker.builds.some(({ host }) => host === "lost.one.test")).toBe(true));
  await central.forge.deleteRepository({ owner: "acme", name: "lost" });
  const anew = await central.forge.createRepository({ owner: "acme", name: "lost", files: { "index.html": "taken over" } });
  await central.forge.installApp({ owner: "acme", name: "lost" });
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "lost", branch: "main", files: { f: "1" } });
  await central.forge.pushFiles({ owner: "acme", name: "lost", branch: "change", files: { g: "1" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "lost", title: "x", head: "change", base: "main" });
  await eventually(async () => {
    const { rows } = await central.pool.query<{ state: string }>(
      "select state from webhook_deliveries where body like $1 and event in ('push', 'pull_request')",
      [`%"id":${anew.id},%`],
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.every(({ state }) => state === "ignored")).toBe(true);
  });
  const commits = new Set(central.worker.builds.map(({ commit }) => commit));
  expect([commits.has(sha), commits.has(pull.headSha)]).toEqual([false, false]);
  const { rows } = await central.pool.query<{ id: bigint }>("select repository_id as id from deployment_config where id = $1", [
    configId,
  ]);
  expect(rows[0]?.id).not.toBe(BigInt(anew.id));
});
