import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEnvironment } from "#central/operator/create-environment.ts";
import { createWorker } from "#central/operator/create-worker.ts";
import { checkWorkers } from "#central/readiness/check-workers.ts";
import { parseReason } from "#central/readiness/parse-reason.ts";
import { EnvironmentSchema, WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

let central: TestCentral;
let server: Server;
let asked = 0;
let answer: { status: number; body: string } = { status: 200, body: "ok\n" };
beforeAll(async () => {
  central = await startTestCentral();
  server = createServer((request, response) => {
    asked += 1;
    response.writeHead(request.url === "/readyz" ? answer.status : 404).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  await createEnvironment(
    central.pool,
    create(EnvironmentSchema, { name: "two", domainSuffixes: ["two.test"], sitesUrl: "https://{host}" }),
  );
  await createWorker(
    central.pool,
    central.secretKey,
    create(WorkerSchema, { id: "worker-two", environment: "two", endpoint, enabled: true }),
  );
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await central.stop();
});

async function readiness(id: string): Promise<{ reason: string | null; since: Date | null }> {
  const { rows } = await central.pool.query<{ reason: string | null; since: Date | null }>(
    "select not_ready_reason as reason, not_ready_since as since from workers where id = $1",
    [id],
  );
  return rows[0] ?? { reason: "no such worker", since: null };
}

/** Central's own timer may be the one that asks. */
async function ask(): Promise<void> {
  await central.pool.query("update workers set checked_at = null where id = 'worker-two'");
  await checkWorkers({ pool: central.pool });
}

test("A worker's reason is stored with the time since when, kept while it lasts, and cleared when it is ready", async () => {
  answer = { status: 503, body: "not ready\nisolation: not proven: memory\ncaddy: failed\n" };
  await ask();
  await eventually(async () =>
    expect((await readiness("worker-two")).reason).toBe("isolation: not proven: memory; caddy: failed"),
  );
  const { since } = await readiness("worker-two");
  answer = { status: 503, body: "not ready\nisolation: not proven: pids\n" };
  await ask();
  await eventually(async () => expect(await readiness("worker-two")).toEqual({ reason: "isolation: not proven: pids", since }));
  answer = { status: 200, body: "ok\n" };
  await ask();
  await eventually(async () => expect(await readiness("worker-two")).toEqual({ reason: null, since: null }));
});

test("However many replicas ask, a worker is asked once in its time", async () => {
  await central.pool.query("update workers set checked_at = now() - interval '1 minute' where id = 'worker-two'");
  asked = 0;
  await Promise.all(Array.from({ length: 5 }, async () => checkWorkers({ pool: central.pool })));
  await eventually(() => expect(asked).toBe(1));
});

test("A worker that cannot be reached is shown as that", async () => {
  await central.pool.query("update workers set endpoint = 'http://127.0.0.1:9', checked_at = null where id = 'worker-two'");
  await checkWorkers({ pool: central.pool });
  await eventually(async () => expect((await readiness("worker-two")).reason).toMatch(/^it cannot be reached: /));
  await central.pool.query("update workers set enabled = false where id = 'worker-two'");
});

test("What a worker says is one bounded line without control characters", () => {
  expect(parseReason("not ready\na\u001b[31m\nb\u202e\u0000c\n")).toMatch(/^[!-~ ]+$/);
  expect(parseReason("x".repeat(1000))).toHaveLength(300);
  expect(parseReason("\n")).toBe("it does not say why");
});

test("A refused Build is stored at once, and the pull request's comment says why, as code that it cannot end", async () => {
  const hostile = "this worker is not ready: isolation: not proven: seccomp `</code> @org/team](javascript:x)";
  central.worker.behaviour.build = async () => Promise.reject(new ConnectError(hostile, Code.FailedPrecondition));
  await addRepository(central, "refused");
  await central.forge.pushFiles({ owner: "acme", name: "refused", branch: "change", from: "main", files: { a: "b" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "refused", title: "x", head: "change", base: "main" });
  await eventually(async () => expect((await readiness("worker-one")).reason).toContain("isolation: not proven: seccomp"));
  const comments = async () => central.forge.comments({ owner: "acme", name: "refused", number: pull.number });
  await eventually(async () =>
    expect((await comments()).map(({ body }) => body).join("\n")).toContain(
      "Waiting for the worker: it is not ready. It says: `` isolation: not proven: seccomp `</code> @org/team](javascript:x) ``",
    ),
  );
  central.worker.behaviour.build = async () => Outcome.ACCEPTED;
  await eventually(async () => expect((await readiness("worker-one")).reason).toBeNull(), 20_000);
});
