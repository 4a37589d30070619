import { Agent } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { faultsOn } from "./support/fault.ts";
import { postWebhook, pullRequestPayload } from "./support/post-webhook.ts";
import { addSite, deploymentsOf, expectLive, hostOf, push, pushBranch, repository } from "./support/sites.ts";

let stack: Stack;
const fault = faultsOn(() => stack);
let repositoryId: number;

beforeAll(async () => {
  stack = await startStack();
  ({ id: repositoryId } = await addSite(stack));
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const perSecond = 200;
const seconds = 30;
/** GitHub hangs up after 10 s. */
const githubTimeoutMs = 10_000;

fault(
  "fault 32: of 200 webhooks a second for 30 s GitHub hangs up on less than one in a hundred, and a push in the middle of them is built",
  async () => {
    const { branch, sha } = await pushBranch(stack);
    const pull = await stack.forge.openPullRequest({ ...repository, head: branch });
    await expectLive(stack, hostOf(pull.number), sha);
    // As long as GitHub's bodies are. Labels and closes of strangers' pull requests are most of what an App gets.
    const noise = {
      ...pullRequestPayload({ repositoryId, number: 1_000, commit: sha, action: "labeled" }),
      filler: "x".repeat(20_000),
    };
    // As many connections as GitHub might keep: a handshake for each delivery would load the sender, which is on the same cores.
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const sent: Promise<{ status: number; tookMs: number }>[] = [];
    const send = async (): Promise<{ status: number; tookMs: number }> => {
      const at = performance.now();
      const { status } = await postWebhook(stack, {
        central: 0,
        event: "pull_request",
        payload: noise,
        timeoutMs: githubTimeoutMs,
        agent,
      });
      return { status, tookMs: performance.now() - at };
    };
    let newest = "";
    const began = performance.now();
    for (let n = 0; n < perSecond * seconds; n += 1) {
      const early = began + (n * 1000) / perSecond - performance.now();
      if (early > 1) await sleep(early);
      sent.push(send());
      if (n === Math.floor((perSecond * seconds) / 2)) newest = (await push(stack, branch)).sha;
    }
    const answers = await Promise.all(sent);
    agent.destroy();
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses.filter((status) => status !== 202 && status !== 0))).toEqual(new Set());
    const accepted = statuses.filter((status) => status === 202).length;
    expect(statuses.length - accepted).toBeLessThan(statuses.length / 100);
    await expectLive(stack, hostOf(pull.number), newest);
    await eventually(async () => {
      const { rows } = await stack.pool.query<{ state: string; count: bigint }>(
        "select state, count(*) from webhook_deliveries where body like '%filler%' group by state",
      );
      expect(rows.map(({ state }) => state)).toEqual(["ignored"]);
      expect(Number(rows[0]!.count)).toBeGreaterThanOrEqual(accepted);
    }, 30_000);
    const answeredMs = readPercentiles(answers.map(({ tookMs }) => tookMs));
    const { rows } = await stack.pool.query<{ ms: number }>(
      `select extract(epoch from finished_at - received_at)::float8 * 1000 as ms from webhook_deliveries where body like '%filler%'`,
    );
    const processedMs = readPercentiles(rows.map(({ ms }) => ms));
    console.info(`${perSecond} webhooks a second for ${seconds} s: answered ${answeredMs}, processed ${processedMs}`);
    expect((await deploymentsOf(stack, hostOf(pull.number))).map(({ commit }) => commit)).toEqual([sha, newest]);
  },
);

function readPercentiles(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => `${Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? 0)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}
