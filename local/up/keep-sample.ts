import { execFile } from "node:child_process";
import { cp, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { startForge } from "../forge/start-forge.ts";
import { callForge } from "./call-forge.ts";

export const sample = { owner: "demo", name: "sample" } as const;
export const sampleBranch = "warmer-greeting";

type Forge = Awaited<ReturnType<typeof startForge>>;

/** The sample's repository in the forge, with the App installed; made the first time. Answers the token of its owner, who may do all. */
export async function keepSampleRepository(forge: Forge): Promise<{ token: string }> {
  const { token } = await forge.createUser({ login: sample.owner });
  const found = await callForge({ apiUrl: forge.apiUrl, token }, "GET", `/repos/${sample.owner}/${sample.name}`);
  if (found === undefined) {
    const directory = path.join(import.meta.dirname, "../sample/site");
    await forge.createRepository({ ...sample, files: { directory }, defaultBranch: "main" });
  }
  await forge.installApp({ ...sample });
  return { token };
}

/**
 * A clone of the sample on its pull request's branch, ready to commit and push from, and the pull request itself; each is made when it is
 * missing. The clone's address is renewed: the forge's port may be another than the last time.
 */
export async function keepSamplePullRequest(o: {
  forge: Forge;
  token: string;
  stateDir: string;
}): Promise<{ number: number; clone: string }> {
  const clone = path.join(o.stateDir, "sample");
  const remote = new URL(`${o.forge.url}/${sample.owner}/${sample.name}.git`);
  remote.username = sample.owner;
  remote.password = o.token;
  const api = { apiUrl: o.forge.apiUrl, token: o.token };
  const pulls = `/repos/${sample.owner}/${sample.name}/pulls`;
  const known = readNumber(await callForge(api, "GET", `${pulls}?state=all&direction=asc`));
  if ((await stat(path.join(clone, ".git")).catch(() => undefined)) === undefined || known === undefined) {
    await rm(clone, { recursive: true, force: true });
    await git(o.stateDir, "clone", "--quiet", remote.href, clone);
    await git(clone, "config", "user.name", "Demo");
    await git(clone, "config", "user.email", "demo@catapult.localhost");
  }
  await git(clone, "remote", "set-url", "origin", remote.href);
  if (known !== undefined) {
    // A clone that was made anew stands on the default branch; one with work in progress is left as it is.
    await git(clone, "switch", "--quiet", sampleBranch).catch(() => undefined);
    return { number: known, clone };
  }
  await git(clone, "switch", "--quiet", "--create", sampleBranch);
  await cp(path.join(import.meta.dirname, "../sample/change"), clone, { recursive: true });
  await git(clone, "commit", "--quiet", "--all", "--message", "Greet from the pull request");
  await git(clone, "push", "--quiet", "--force", "--set-upstream", "origin", sampleBranch);
  const opened = await callForge(api, "POST", pulls, {
    title: "A warmer greeting",
    head: sampleBranch,
    base: "main",
    body: "Another greeting, another colour.",
  });
  const number = readNumber([opened]);
  if (number === undefined)
    throw new Error(`The forge opened no pull request for ${sample.owner}/${sample.name}: ${JSON.stringify(opened)}`);
  return { number, clone };
}

/** The comment is written a moment after the preview answers, and before it only says that it is being built. */
const commentMs = 15_000;

/** The body of the App's comment, as the pull request shows it once it says what became of the preview; after 15 s, as it is by then. */
export async function readComment(o: {
  apiUrl: string;
  token: string;
  pullRequest: number;
  signal: AbortSignal;
}): Promise<string | undefined> {
  const deadline = performance.now() + commentMs;
  for (;;) {
    const body = await readBody(o);
    const isSettled = body !== undefined && !/\*\*(?:Building|Waiting|Removing)/.test(body);
    if (isSettled || o.signal.aborted || performance.now() > deadline) return body;
    await sleep(100);
  }
}

async function readBody(o: { apiUrl: string; token: string; pullRequest: number }): Promise<string | undefined> {
  const comments = await callForge(o, "GET", `/repos/${sample.owner}/${sample.name}/issues/${o.pullRequest}/comments`);
  const first: unknown = Array.isArray(comments) ? comments[0] : undefined;
  return typeof first === "object" && first !== null && "body" in first && typeof first.body === "string"
    ? first.body
    : undefined;
}

function readNumber(pulls: unknown): number | undefined {
  const first: unknown = Array.isArray(pulls) ? pulls[0] : undefined;
  return typeof first === "object" && first !== null && "number" in first && typeof first.number === "number"
    ? first.number
    : undefined;
}

/** Without the user's own configuration: a signing key or a hook of theirs has no part in the sample. */
async function git(cwd: string, ...args: string[]): Promise<void> {
  const env = {
    PATH: process.env["PATH"],
    HOME: cwd,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
  };
  await promisify(execFile)("git", args, { cwd, env, timeout: 60_000 });
}
