import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { percentile } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

const perSecond = 50;
const seconds = 20;

/** Deliveries of GitHub's own pull_request example at a steady rate, on kept-alive connections and on new ones. */
export async function measureWebhook(stack: Stack): Promise<void> {
  const body = await readExample();
  const signature = `sha256=${createHmac("sha256", stack.webhookSecret).update(body).digest("hex")}`;
  for (const keepAlive of [true, false]) {
    const agent = new Agent({ keepAlive, ca: stack.ca });
    await Promise.all(Array.from({ length: 8 }, () => post(stack, agent, body, signature)));
    const took: Promise<number>[] = [];
    const start = performance.now();
    for (let index = 0; index < perSecond * seconds; index += 1) {
      await sleep(Math.max(0, start + (index * 1000) / perSecond - performance.now()));
      took.push(post(stack, agent, body, signature));
    }
    const values = await Promise.all(took);
    agent.destroy();
    const what = `webhook to 202, ${perSecond}/s, ${(body.length / 1024).toFixed(0)} kB, ${keepAlive ? "kept-alive" : "new"} connections`;
    printFigure(`${what}: p50`, milliseconds(percentile(values, 0.5)), "under 10 ms");
    printFigure(`${what}: p99`, milliseconds(percentile(values, 0.99)), "under 50 ms");
  }
}

function post(stack: Stack, agent: Agent, body: Buffer, signature: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": body.length,
      "x-github-event": "pull_request",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": signature,
    };
    const sent = request(`${stack.centralUrl}/webhook/github`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 202
          ? resolve(performance.now() - start)
          : reject(new Error(`the webhook answered ${response.statusCode}`)),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** GitHub's own example of a pull_request delivery. */
async function readExample(): Promise<Buffer> {
  const file = createRequire(import.meta.url).resolve("@octokit/webhooks-examples/api.github.com/index.json");
  const events: { name: string; examples: unknown[] }[] = JSON.parse(await readFile(file, "utf8"));
  return Buffer.from(JSON.stringify(events.find(({ name }) => name === "pull_request")?.examples[0]));
}
