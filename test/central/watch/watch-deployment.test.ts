import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { updateRunning } from "#central/status/sql/update-running.ts";
import { createDeploymentFeeds } from "#central/watch/create-deployment-feeds.ts";
import { watchDeployment } from "#central/watch/watch-deployment.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { WatchDeploymentResponse } from "#gen/catapult/v1/operator_service_pb.js";
import { addRepository } from "#test/central/support/start-test-central.ts";
import { log } from "#test/central/support/test-log.ts";
import { type Actions, reasonOf, releaseOf, startActions } from "#test/central/operator/start-actions.ts";
import { eventually } from "#test/support/eventually.ts";

let t: Actions;
beforeAll(async () => {
  t = await startActions();
});
afterAll(async () => t.stop());

async function startBuild(name: string) {
  await addRepository(t.central, name);
  const build = await t.build(`${name}.one.test`);
  const say = async (first: number, count: number, o: { state?: DeploymentState } = {}) => {
    const logLines = Array.from({ length: count }, (_, index) => `line ${first + index}`);
    const { state = DeploymentState.BUILDING } = o;
    const ended = state === DeploymentState.SUCCEEDED ? { release: releaseOf(build), releaseFiles: 1n, releaseBytes: 1n } : {};
    return t.report(build, state, { firstLogLine: BigInt(first), logLines, ...ended });
  };
  return { build, say };
}

/** Reads a watch to its end, and holds each message to the line that the one before ended with. */
async function readAll(messages: AsyncIterable<WatchDeploymentResponse>, after = 0n) {
  const lines: string[] = [];
  const states: DeploymentState[] = [];
  let position = after;
  for await (const message of messages) {
    if (message.deployment !== undefined) states.push(message.deployment.state);
    if (message.logLines.length === 0) continue;
    expect(message.firstLogLine).toBe(position + 1n);
    position += BigInt(message.logLines.length);
    lines.push(...message.logLines);
  }
  return { lines, states };
}

function settlementOf<T>(promise: Promise<T>) {
  const settlement = { promise, isOver: false };
  const end = () => (settlement.isOver = true);
  void promise.then(end, end);
  return settlement;
}

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);

test("watchers get what is stored and what comes, each line once and in order, and the stream ends with the deployment", async () => {
  const { build, say } = await startBuild("watched");
  await say(1, 700);
  const id = build.deploymentId;
  const early = readAll(t.operator.watchDeployment({ id }));
  const late = readAll(t.operator.watchDeployment({ id, afterLogLine: 699n }), 699n);
  await say(701, 3);
  await say(704, 300);
  await say(1004, 1, { state: DeploymentState.SUCCEEDED });
  const whole = await early;
  expect(whole.lines).toEqual(numbered(1, 1004));
  expect(whole.states.at(-1)).toBe(DeploymentState.SUCCEEDED);
  expect((await late).lines).toEqual(numbered(700, 1004));
  const again = await readAll(t.operator.watchDeployment({ id, afterLogLine: 1000n }), 1000n);
  expect(again).toEqual({ lines: numbered(1001, 1004), states: [DeploymentState.SUCCEEDED] });
});

test("a watcher at another replica sees what is reported to this one", async () => {
  const { build, say } = await startBuild("elsewhere");
  const other = createDeploymentFeeds({ pool: t.central.pool, log });
  const signal = new AbortController().signal;
  const watch = { id: build.deploymentId, afterLogLine: 0n, token: "operator", signal };
  const read = readAll(watchDeployment({ feeds: other }, watch));
  await say(1, 5);
  await say(6, 1, { state: DeploymentState.SUCCEEDED });
  expect((await read).lines).toEqual(numbered(1, 6));
  other.stop();
});

test("a superseded deployment's log ends for its watchers where it ends for good: what its worker still says is taken and not kept", async () => {
  const { build, say } = await startBuild("superseded");
  await say(1, 3);
  const id = build.deploymentId;
  const watched = readAll(t.operator.watchDeployment({ id }));
  await t.push("superseded", "newer");
  const { lines, states } = await watched;
  expect([lines, states.at(-1)]).toEqual([numbered(1, 3), DeploymentState.SUPERSEDED]);
  expect(await say(4, 2)).toMatchObject({ acknowledgedLogLine: 5n, cancel: true });
  expect(await say(6, 1, { state: DeploymentState.SUCCEEDED })).toMatchObject({ acknowledgedLogLine: 6n });
  expect((await readAll(t.operator.watchDeployment({ id }))).lines).toEqual(lines);
  expect((await t.operator.getDeployment({ id })).deployment?.logLines).toBe(3n);
});

test("who reads slowly holds up nobody, and gets every line when they go on", async () => {
  await addRepository(t.central, "slow");
  const build = await t.build("slow.one.test");
  // More than all buffers between the two hold.
  const lines = (first: number) => Array.from({ length: 1_000 }, (_, index) => `line ${first + index} ${"x".repeat(3_000)}`);
  const slow = t.operator.watchDeployment({ id: build.deploymentId })[Symbol.asyncIterator]();
  expect((await slow.next()).value?.deployment?.id).toBe(build.deploymentId);
  const fast = readAll(t.operator.watchDeployment({ id: build.deploymentId }));
  for (let first = 1; first <= 8_000; first += 1_000) {
    await t.report(build, DeploymentState.BUILDING, { firstLogLine: BigInt(first), logLines: lines(first) });
  }
  await t.report(build, DeploymentState.SUCCEEDED, { release: releaseOf(build), releaseFiles: 1n, releaseBytes: 1n });
  const { rows } = await t.central.pool.query<{ line: string }>(
    "select line from deployment_log_lines where deployment_id = $1 order by line_number",
    [build.deploymentId],
  );
  const stored = rows.map((row) => row.line);
  expect(stored.length).toBeGreaterThan(1_000);
  expect((await fast).lines).toEqual(stored);
  expect((await readAll({ [Symbol.asyncIterator]: () => slow })).lines).toEqual(stored);
});

test("a hundred watchers of one build ask the database for each piece of its log once", async () => {
  const { build, say } = await startBuild("shared");
  await say(1, 1000);
  await say(1001, 1, { state: DeploymentState.SUCCEEDED });
  let queries = 0;
  const counted = new Proxy(t.central.pool, {
    get(pool, name, receiver) {
      const value: unknown = Reflect.get(pool, name, receiver);
      if (name !== "query" || typeof value !== "function") return value;
      return (...parts: unknown[]): unknown => {
        queries += 1;
        return Reflect.apply(value, pool, parts);
      };
    },
  });
  const feeds = createDeploymentFeeds({ pool: counted, log });
  const signal = new AbortController().signal;
  const watches = Array.from({ length: 100 }, async () =>
    readAll(watchDeployment({ feeds }, { id: build.deploymentId, afterLogLine: 0n, token: "operator", signal })),
  );
  for (const { lines } of await Promise.all(watches)) expect(lines).toHaveLength(1001);
  expect(queries).toBeLessThan(30);
  feeds.stop();
});

test("silence is broken by an empty message, and a stream whose token was revoked ends", async () => {
  const { build } = await startBuild("silent");
  const feeds = createDeploymentFeeds({ pool: t.central.pool, log });
  await t.connect("short-lived");
  const signal = new AbortController().signal;
  const watch = { id: build.deploymentId, afterLogLine: 0n, token: "short-lived", signal, keepAliveMs: 50 };
  const messages = watchDeployment({ feeds }, watch);
  expect((await messages.next()).value?.deployment?.id).toBe(build.deploymentId);
  await eventually(async () => {
    const { value } = await messages.next();
    expect(value?.deployment).toBeUndefined();
    expect(value?.logLines).toEqual([]);
  });
  await t.operator.revokeToken({ name: "short-lived" });
  const drain = async () => {
    for await (const _ of messages);
  };
  expect(await reasonOf(drain())).toBe("unauthenticated");
  feeds.stop();
});

test("a quiet build whose worker goes on reporting is kept alive too, and its watchers are woken by what they are shown alone", async () => {
  const { build } = await startBuild("quiet");
  const { pool } = t.central;
  await t.report(build, DeploymentState.BUILDING);
  const id = build.deploymentId;
  const heard: (string | undefined)[] = [];
  const listener = await pool.connect();
  listener.on("notification", ({ payload }) => heard.push(payload));
  await listener.query("listen catapult_deployment");
  const feeds = createDeploymentFeeds({ pool, log });
  const signal = new AbortController().signal;
  const start = async () => {
    const messages = watchDeployment({ feeds }, { id, afterLogLine: 0n, token: "operator", signal, keepAliveMs: 200 });
    expect((await messages.next()).value?.deployment?.id).toBe(id);
    return messages;
  };
  const watches = [await start(), await start()];
  let reports = 0;
  const keeping = settlementOf(Promise.all(watches.map(async (messages) => messages.next())));
  for (; reports < 200 && !keeping.isOver; reports += 1) {
    await updateRunning(listener, id, "building");
    await sleep(20);
  }
  expect(reports).toBeLessThan(200);
  expect(heard).toEqual([]);
  for (const { value } of await keeping.promise) expect([value?.deployment, value?.logLines]).toEqual([undefined, []]);
  await updateRunning(listener, id, "publishing");
  await listener.query("select");
  expect(heard).toEqual([String(id)]);
  listener.release(true);
  feeds.stop();
});

test("a watcher is kept alive however often it is woken for nothing", async () => {
  const { build } = await startBuild("woken");
  const feeds = createDeploymentFeeds({ pool: t.central.pool, log });
  const signal = new AbortController().signal;
  const watch = { id: build.deploymentId, afterLogLine: 0n, token: "operator", signal, keepAliveMs: 400 };
  const messages = watchDeployment({ feeds }, watch);
  await messages.next();
  const keeping = settlementOf(messages.next());
  let woken = 0;
  for (; woken < 200 && !keeping.isOver; woken += 1) {
    await t.central.pool.query("select pg_notify('catapult_deployment', $1)", [String(build.deploymentId)]);
    await sleep(20);
  }
  expect(woken).toBeLessThan(200);
  const { value } = await keeping.promise;
  expect([value?.deployment, value?.logLines]).toEqual([undefined, []]);
  feeds.stop();
});

test("who reads slowly gets no line more once its token has been revoked for as long as a silence lasts", async () => {
  const { build, say } = await startBuild("read-slowly");
  await say(1, 900);
  await t.connect("slow-reader");
  const feeds = createDeploymentFeeds({ pool: t.central.pool, log });
  const signal = new AbortController().signal;
  const watch = { id: build.deploymentId, afterLogLine: 0n, token: "slow-reader", signal, keepAliveMs: 100 };
  const messages = watchDeployment({ feeds }, watch);
  expect((await messages.next()).value?.firstLogLine).toBe(1n);
  await t.operator.revokeToken({ name: "slow-reader" });
  await sleep(150);
  expect(await reasonOf(messages.next())).toBe("unauthenticated");
  feeds.stop();
});

test("what cannot be watched is refused: no such deployment, another environment's, too many at once, of all and of one token, and a Central that stops", async () => {
  const { build } = await startBuild("refused");
  const drain = async (messages: AsyncIterable<unknown>) => {
    for await (const _ of messages);
  };
  expect(await reasonOf(drain(t.operator.watchDeployment({ id: 99_999n })))).toBe("deployment_not_found");
  await t.operator.createEnvironment({ environment: { name: "two", domainSuffixes: ["two.test"], sitesUrl: "https://{host}" } });
  const bound = await t.connect("bound-to-two", { environment: "two" });
  expect(await reasonOf(drain(bound.watchDeployment({ id: build.deploymentId })))).toBe("deployment_not_found");
  const feeds = createDeploymentFeeds({ pool: t.central.pool, log });
  const open = async (token: string) => feeds.open(build.deploymentId, token);
  const opened = [];
  for (const token of ["one", "two", "three", "four"]) {
    for (let count = 0; count < 250; count += 1) opened.push(await open(token));
    expect(await reasonOf(open(token))).toBe("too_many_watchers_of_token");
  }
  expect(await reasonOf(open("five"))).toBe("too_many_watchers");
  opened[0]?.close();
  expect(await reasonOf(open("two"))).toBe("too_many_watchers_of_token");
  opened.push(await open("one"));
  for (const feed of opened) feed.close();
  (await open("one")).close();
  const signal = new AbortController().signal;
  const messages = watchDeployment({ feeds }, { id: build.deploymentId, afterLogLine: 0n, token: "operator", signal });
  await messages.next();
  feeds.stop();
  expect(await reasonOf(drain(messages))).toBe("unavailable");
});
