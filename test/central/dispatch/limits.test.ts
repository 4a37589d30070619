import { afterAll, beforeAll, expect, test } from "vitest";
import { markDispatched } from "#central/dispatch/sql/mark-dispatched.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, selectDeployments, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral({ replicas: 2 });
});
afterAll(async () => central.stop());

async function openPullRequests(name: string, count: number): Promise<string[]> {
  const hosts = [];
  for (let n = 1; n <= count; n += 1) {
    await central.forge.pushFiles({ owner: "acme", name, branch: `b${n}`, from: "main", files: { a: String(n) } });
    const { number } = await central.forge.openPullRequest({ owner: "acme", name, title: "x", head: `b${n}`, base: "main" });
    hosts.push(`pr-${number}-${name}.one.test`);
  }
  return hosts;
}

const buildsOf = (hosts: string[]): BuildRequest[] => central.worker.builds.filter((build) => hosts.includes(build.host));

const byAlphabet = (a: string, b: string): number => (a < b ? -1 : 1);

async function statesOf(hosts: string[]): Promise<string[]> {
  const rows = await Promise.all(hosts.map(async (host) => (await selectDeployments(central.pool, host)).at(-1)));
  // In the order of the alphabet: which of them come first is nobody's to say.
  return rows.map((row) => (row?.waiting == null ? (row?.state ?? "none") : `${row.state} ${row.waiting}`)).toSorted(byAlphabet);
}

async function end(build: BuildRequest): Promise<void> {
  const { siteId, generation, deploymentId } = build;
  await central.worker.client.reportStatus({ siteId, generation, deploymentId, state: DeploymentState.CANCELED });
}

test("of a repository no more than its limit runs, the pull requests that wait say so, and the next begins when one ends", async () => {
  const { configId } = await addRepository(central, "limited");
  await end(await eventually(() => buildsOf(["limited.one.test"])[0] ?? Promise.reject(new Error("not built yet"))));
  await central.pool.query("update deployment_config set max_running = 2 where id = $1", [configId]);
  const hosts = await openPullRequests("limited", 4);
  await eventually(async () =>
    expect(await statesOf(hosts)).toEqual(["dispatched", "dispatched", "queued repository_busy", "queued repository_busy"]),
  );
  // Another repository of the same worker is not kept waiting by it.
  await addRepository(central, "beside");
  await eventually(() => expect(buildsOf(["beside.one.test"])).toHaveLength(1));
  const [first] = buildsOf(hosts);
  if (first === undefined) throw new Error("nothing was built");
  await end(first);
  await eventually(async () =>
    expect(await statesOf(hosts)).toEqual(["canceled", "dispatched", "dispatched", "queued repository_busy"]),
  );
  await eventually(() => expect(buildsOf(hosts)).toHaveLength(3));
});

test("replicas that hand over work of one repository at once do not pass its limit together", async () => {
  const { configId } = await addRepository(central, "raced");
  await eventually(() => expect(buildsOf(["raced.one.test"])).toHaveLength(1));
  await central.pool.query("update workers set enabled = false");
  const hosts = await openPullRequests("raced", 6);
  await eventually(async () => expect(new Set(await statesOf(hosts))).toEqual(new Set(["queued no_worker"])));
  await central.pool.query("update deployment_config set max_running = 3 where id = $1", [configId]);
  const { rows } = await central.pool.query<{ deploymentId: bigint; siteId: bigint; generation: bigint }>(
    `select d.id as "deploymentId", s.id as "siteId", d.generation from deployment_history d join sites s on s.id = d.site_id
     where s.host = any($1)`,
    [hosts],
  );
  const marked = await Promise.all(
    rows.map(async (row) =>
      markDispatched(central.pool, { ...row, configId, workerId: central.worker.id, resend: false, takesSlot: true }),
    ),
  );
  // One of the three slots is the production site's.
  expect(marked.toSorted(byAlphabet)).toEqual(["dispatched", "dispatched", ...Array<string>(4).fill("repository_busy")]);
});
