import { createHmac, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unlockDeadReplicas } from "#central/jobs/sql/unlock-dead-replicas.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  startTestCentral,
  type TestCentral,
  webhookSecret,
} from "./support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral({ replicas: 2 });
});
afterAll(async () => central.stop());

test("fault 07: one GUID five times on two replicas is one build", async () => {
  await addRepository(central, "twice");
  central.forge.setWebhookUrl(undefined);
  await central.forge.pushFiles({ owner: "acme", name: "twice", branch: "change", from: "main", files: { a: "1" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "twice", title: "x", head: "change", base: "main" });
  const repository = central.forge.findRepository({ owner: "acme", name: "twice" });
  const body = JSON.stringify({
    action: "opened",
    number: pull.number,
    repository: { id: repository?.id },
    pull_request: { head: { sha: pull.headSha } },
  });
  const guid = randomUUID();
  const answers = await Promise.all(
    [0, 1, 0, 1, 0].map(async (replica) => {
      const response = await fetch(`${central.replicas[replica]?.url}/webhook/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-github-event": "pull_request",
          "x-github-delivery": guid,
          "x-hub-signature-256": `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`,
        },
        body,
      });
      return response.status;
    }),
  );
  expect(answers).toEqual([202, 202, 202, 202, 202]);
  const host = `pr-${pull.number}-twice.one.test`;
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(0)?.state).toBe("dispatched"));
  await eventually(async () => {
    const { rows } = await central.pool.query<{ state: string }>("select state from webhook_deliveries where guid = $1", [guid]);
    expect(rows).toEqual([{ state: "processed" }]);
  });
  expect(await selectDeployments(central.pool, host)).toHaveLength(1);
  expect(central.worker.builds.filter((build) => build.host === host)).toHaveLength(1);
});

test("a delivery that GitHub could not be asked about is tried again, and ends processed", async () => {
  await addRepository(central, "flaky");
  await central.forge.pushFiles({ owner: "acme", name: "flaky", branch: "change", from: "main", files: { a: "1" } });
  central.forge.setWebhookUrl(`${central.replicas[1]?.url}/webhook/github`);
  central.forge.setFault({ kind: "answer", method: "GET", path: /\/pulls\/\d+$/, status: 502, times: 2 });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "flaky", title: "x", head: "change", base: "main" });
  const host = `pr-${pull.number}-flaky.one.test`;
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(0)?.commit).toBe(pull.headSha));
  // A periodic look may meet one of the two answers, and make the deployment before the delivery's own turn comes again.
  await eventually(async () => {
    const { rows } = await central.pool.query<{ state: string; attempts: number }>(
      "select state, attempts from webhook_deliveries where event = 'pull_request' order by received_at desc limit 1",
    );
    expect(rows[0]).toEqual({ state: "processed", attempts: expect.toSatisfy((count: number) => count === 2 || count === 3) });
  });
});

test("jobs of a replica that died are freed, those of one that lives are not", async () => {
  await central.pool.query(
    "select graphile_worker.add_job('none', '{}', job_key := key) from unnest(array['dead', 'alive']) key",
  );
  const holder = await central.pool.connect();
  await holder.query("select pg_advisory_lock(726240, hashtext('worker-alive'))");
  for (const [key, by] of [
    ["dead", "worker-dead"],
    ["alive", "worker-alive"],
  ]) {
    await central.pool.query(
      "update graphile_worker._private_jobs set locked_by = $2, locked_at = now() - interval '1 minute' where key = $1",
      [key, by],
    );
  }
  await unlockDeadReplicas(central.pool);
  const { rows } = await central.pool.query(
    "select key, locked_by from graphile_worker._private_jobs where key in ('dead', 'alive') order by key",
  );
  expect(rows).toEqual([
    { key: "alive", locked_by: "worker-alive" },
    { key: "dead", locked_by: null },
  ]);
  holder.release(true);
});
