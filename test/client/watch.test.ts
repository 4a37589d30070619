import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createCatapultClient, type CatapultClient } from "#client/create-catapult-client.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { WatchDeploymentRequest } from "#gen/catapult/v1/operator_service_pb.js";
import { startStubCentral } from "./start-stub-central.ts";

const total = 400n;
let server: Awaited<ReturnType<typeof startStubCentral>>;
let client: CatapultClient;
/** From which line each connection asked. */
let asked: bigint[] = [];
let ended = 0;
/** Runs before a line is sent. */
let before: (line: bigint) => unknown = () => undefined;

beforeAll(async () => {
  async function* watchDeployment({ id, afterLogLine }: WatchDeploymentRequest, { signal }: HandlerContext) {
    asked.push(afterLogLine);
    if (id === 9n) throw reasonError(Code.NotFound, "deployment_not_found", "there is no deployment 9");
    try {
      yield { deployment: { id, state: DeploymentState.BUILDING } };
      for (let line = afterLogLine + 1n; line <= total && !signal.aborted; line += 1n) {
        // What was yielded is on its way before the next.
        await sleep(1);
        await before(line);
        // Now and then a message with a line that was sent before, as a Central might that begins at a batch's first line.
        const first = line % 7n === 0n && line > 1n ? line - 1n : line;
        yield { firstLogLine: first, logLines: first === line ? [`line ${line}`] : [`line ${line - 1n}`, `line ${line}`] };
      }
      yield { deployment: { id, state: DeploymentState.SUCCEEDED } };
    } finally {
      ended += 1;
    }
  }
  server = await startStubCentral({ watchDeployment });
});
afterAll(async () => server.stop());
afterEach(() => {
  client.close();
  server.proxy.set({});
  asked = [];
  ended = 0;
  before = () => undefined;
});

function connect(): void {
  client = createCatapultClient({ url: server.proxyUrl, token: "cat_x", ca: server.ca });
}

test("over connections that break in the middle every line comes once and in order, and the loop ends with the deployment", async () => {
  connect();
  const cuts = new Set([90n, 200n, 300n, 399n]);
  before = (line) => {
    // Once for each, or it would never get by.
    if (cuts.delete(line)) {
      server.proxy.set({ reset: true });
      server.proxy.set({});
    }
  };
  const numbers: bigint[] = [];
  const states: DeploymentState[] = [];
  for await (const { deployment, lines } of client.watch(1n)) {
    if (deployment !== undefined) states.push(deployment.state);
    for (const { number, text } of lines) {
      expect(text).toBe(`line ${number}`);
      numbers.push(number);
    }
  }
  expect(numbers).toEqual(Array.from({ length: Number(total) }, (_, index) => BigInt(index + 1)));
  expect(states.at(-1)).toBe(DeploymentState.SUCCEEDED);
  expect(asked).toHaveLength(5);
  // Each went on behind the last line that had arrived.
  expect(asked.every((line, index) => index === 0 || line >= (asked[index - 1] ?? 0n))).toBe(true);
});

test("bytes that end in the middle of a message lose and double nothing", async () => {
  connect();
  // Of each connection, so that several are needed.
  server.proxy.set({ cutAfterBytes: 9_000 });
  const numbers: bigint[] = [];
  for await (const { lines } of client.watch(1n)) numbers.push(...lines.map(({ number }) => number));
  expect(numbers).toEqual(Array.from({ length: Number(total) }, (_, index) => BigInt(index + 1)));
  expect(asked.length).toBeGreaterThan(1);
});

test("it goes on while Central restarts: unavailable is no end", async () => {
  connect();
  let left = 2;
  before = () => {
    if (left-- > 0) throw reasonError(Code.Unavailable, "unavailable", "this replica stops");
  };
  let count = 0;
  for await (const { lines } of client.watch(1n)) count += lines.length;
  expect([count, asked.length]).toEqual([Number(total), 3]);
});

test("what a new connection cannot mend ends it at once, and a Central that stays away after as many tries as were said", async () => {
  connect();
  const read = async (id: bigint, retries?: number): Promise<unknown> => {
    try {
      for await (const _ of client.watch(id, { retries })) void _;
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(ConnectError.from(await read(9n)).code).toBe(Code.NotFound);
  expect(asked).toHaveLength(1);
  server.proxy.set({ reset: true });
  expect(await read(1n, 1)).toBeInstanceOf(ConnectError);
  expect(asked).toHaveLength(1);
});

test("leaving the loop ends the call at Central, and so does the signal", async () => {
  connect();
  before = async (line) => (line > 20n ? new Promise((resolve) => setTimeout(resolve, 20)) : undefined);
  for await (const { lines } of client.watch(1n, { afterLogLine: 10n })) if (lines.some(({ number }) => number === 15n)) break;
  await expect.poll(() => ended).toBe(1);
  expect(asked).toEqual([10n]);
  const stop = new AbortController();
  const left = (async () => {
    for await (const { lines } of client.watch(1n, { signal: stop.signal })) if (lines.length > 0) stop.abort();
  })();
  await expect(left).rejects.toThrow(/abort|cancel/i);
  await expect.poll(() => ended).toBe(2);
  expect(asked).toHaveLength(2);
});
