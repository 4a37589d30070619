import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createToken } from "#central/operator/tokens.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { TokenScope } from "#gen/catapult/v1/operator_service_pb.js";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { reasonOf } from "./start-actions.ts";
import { startOperatorServer, type OperatorServer } from "./start-operator-server.ts";

let server: OperatorServer;
let bound: OperatorServer["client"];
beforeAll(async () => {
  server = await startOperatorServer();
  for (const name of ["ours", "theirs"]) {
    await server.client.createEnvironment({
      environment: { name, domainSuffixes: [`${name}.org`], sitesUrl: "https://{host}" },
    });
    server.github.repositories.set(`${name}-org/first`, name.length + 100);
    await server.client.createDeploymentConfig({
      deploymentConfig: { githubOrg: `${name}-org`, githubRepo: "first", environment: name, domain: `${name}.org` },
    });
    await server.client.createWorker({
      worker: { id: `${name}-worker`, environment: name, endpoint: "https://worker:1", enabled: true },
    });
  }
  bound = server.connect(await createToken(server.pool, { name: "bound", scope: "write", environment: "ours" }));
});
afterAll(async () => server.stop());

async function refused(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => {
      throw new Error("the call was not refused");
    },
    (error: unknown) => ConnectError.from(error),
  );
}

describe("pages", () => {
  test("follow each other by their tokens, each row once, and the last has no token", async () => {
    for (let n = 0; n < 7; n += 1) await server.client.createToken({ token: { name: `page-${n}`, scope: TokenScope.READ } });
    const all = (await server.client.listTokens({ pageSize: 1000 })).tokens.map(({ name }) => name);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await server.client.listTokens({ pageSize: 3, pageToken });
      seen.push(...page.tokens.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(all);
  });
  test("a token of another list, of other filters, or of nothing is refused by its field", async () => {
    const { nextPageToken } = await server.client.listWorkers({ pageSize: 1 });
    expect(nextPageToken).not.toBe("");
    for (const call of [
      async () => server.client.listWorkers({ pageSize: 1, pageToken: nextPageToken, environment: "ours" }),
      async () => server.client.listSites({ pageToken: nextPageToken }),
      async () => server.client.listWorkers({ pageToken: "W10" }),
      async () => server.client.listWorkers({ pageToken: "%%%" }),
    ]) {
      const error = await refused(call());
      expect(error.code).toBe(Code.InvalidArgument);
      expect(readReason(error)).toBe("page_token_invalid");
      expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("page_token");
    }
  });
});

describe("updates", () => {
  test("an unknown path and an empty mask are refused by name, and a field outside the mask stays", async () => {
    const environment = { name: "theirs", sitesUrl: "http://{host}:8081" };
    const unknown = server.client.updateEnvironment({ environment, updateMask: { paths: ["name"] } });
    expect((await refused(unknown)).message).toContain('"name" cannot be changed');
    expect(await reasonOf(server.client.updateEnvironment({ environment, updateMask: { paths: [] } }))).toBe(
      "update_mask_invalid",
    );
    const updated = await server.client.updateEnvironment({ environment, updateMask: { paths: ["sites_url"] } });
    expect(updated.environment).toMatchObject({ sitesUrl: "http://{host}:8081", domainSuffixes: ["theirs.org"] });
    const other = { name: "theirs", sitesUrl: "no form of a URL", domainSuffixes: ["theirs.org", "more.org"] };
    const added = await server.client.updateEnvironment({ environment: other, updateMask: { paths: ["domain_suffixes"] } });
    expect(added.environment).toMatchObject({ sitesUrl: "http://{host}:8081", domainSuffixes: ["theirs.org", "more.org"] });
    const read = server.client.updateEnvironment({ environment: other, updateMask: { paths: ["sites_url"] } });
    expect((await refused(read)).message).toContain("environment.sites_url");
  });
  test("a stale etag is aborted and changes nothing, the new one works, and a repeat changes neither etag nor audit log", async () => {
    const { worker } = await server.client.getWorker({ id: "theirs-worker" });
    const mask = { updateMask: { paths: ["endpoint"] } };
    const change = { id: "theirs-worker", endpoint: "https://worker:2", etag: worker!.etag };
    const first = await server.client.updateWorker({ worker: change, ...mask });
    const stale = await refused(server.client.updateWorker({ worker: { ...change, endpoint: "https://worker:3" }, ...mask }));
    expect(stale.code).toBe(Code.Aborted);
    expect(readReason(stale)).toBe("etag_stale");
    const repeat = await server.client.updateWorker({ worker: { ...change, etag: first.worker!.etag }, ...mask });
    expect(repeat.worker?.etag).toBe(first.worker?.etag);
    const { entries } = await server.client.listAuditEntries({ resource: "workers/theirs-worker" });
    expect(entries.map(({ method }) => method)).toEqual(["UpdateWorker", "CreateWorker"]);
    expect(JSON.parse(entries[0]!.before)).toMatchObject({ endpoint: "https://worker:1" });
    expect(JSON.parse(entries[0]!.after)).toMatchObject({ endpoint: "https://worker:2" });
  });
  test("a suffix that a host needs cannot go", async () => {
    const environment = { name: "ours", domainSuffixes: ["other.org"] };
    const call = server.client.updateEnvironment({ environment, updateMask: { paths: ["domain_suffixes"] } });
    expect(await reasonOf(call)).toBe("suffix_in_use");
  });
});

describe("a token that is bound to an environment", () => {
  test("is not told whose a host is that another environment has, and is told within its own", async () => {
    const environment = { name: "quiet", domainSuffixes: ["quiet.ours.org"], sitesUrl: "https://{host}" };
    await server.client.createEnvironment({ environment });
    server.github.repositories.set("quiet-org/secret", 201);
    server.github.repositories.set("ours-org/second", 202);
    const quiet = { githubOrg: "quiet-org", githubRepo: "secret", environment: "quiet", domain: "quiet.ours.org" };
    await server.client.createDeploymentConfig({ deploymentConfig: quiet });
    const taken = { githubOrg: "ours-org", githubRepo: "second", environment: "ours", domain: "ours.org", subdomain: "quiet" };
    const moved = {
      deploymentConfig: { githubOrg: "ours-org", githubRepo: "first", subdomain: "quiet" },
      updateMask: { paths: ["subdomain"] },
    };
    const attempts = (client: OperatorServer["client"]) => [
      async () => client.createDeploymentConfig({ deploymentConfig: taken }),
      async () => client.updateDeploymentConfig(moved),
    ];
    for (const attempt of attempts(bound)) {
      const { message } = await refused(attempt());
      expect(message).toContain("the host quiet.ours.org belongs to another repository");
      expect(message).not.toContain("secret");
    }
    for (const attempt of attempts(server.client)) expect((await refused(attempt())).message).toContain("quiet-org/secret");
    const own = bound.createDeploymentConfig({ deploymentConfig: { ...taken, subdomain: "" } });
    expect((await refused(own)).message).toContain("belongs to ours-org/first");
  });
  test("lists what is in it, and nothing else", async () => {
    expect((await bound.listEnvironments({})).environments.map(({ name }) => name)).toEqual(["ours"]);
    expect((await bound.listWorkers({})).workers.map(({ id }) => id)).toEqual(["ours-worker"]);
    expect((await bound.listDeploymentConfigs({})).deploymentConfigs.map(({ githubOrg }) => githubOrg)).toEqual(["ours-org"]);
    expect((await bound.listTokens({})).tokens.map(({ name }) => name)).toEqual(["bound"]);
    const { entries } = await bound.listAuditEntries({});
    expect(new Set(entries.map(({ environment }) => environment))).toEqual(new Set(["ours"]));
  });
  test("is refused another one by its name, and does not find what lies there", async () => {
    expect(await reasonOf(bound.getEnvironment({ name: "theirs" }))).toBe("other_environment");
    expect(await reasonOf(bound.getEnvironment({ name: "no-such" }))).toBe("other_environment");
    expect(await reasonOf(bound.listWorkers({ environment: "theirs" }))).toBe("other_environment");
    expect(await reasonOf(bound.getWorker({ id: "theirs-worker" }))).toBe("worker_not_found");
    expect(await reasonOf(bound.deleteWorker({ id: "theirs-worker" }))).toBe("worker_not_found");
    expect(await reasonOf(bound.rotateWorkerKey({ id: "theirs-worker" }))).toBe("worker_not_found");
    const theirs = { githubOrg: "theirs-org", githubRepo: "first" };
    expect(await reasonOf(bound.getDeploymentConfig(theirs))).toBe("config_not_found");
    expect(await reasonOf(bound.deploy(theirs))).toBe("config_not_found");
    expect(await reasonOf(bound.deleteDeploymentConfig(theirs))).toBe("config_not_found");
    expect(await reasonOf(bound.revokeToken({ name: "writer" }))).toBe("token_not_found");
  });
  test("gives itself no more than it has", async () => {
    const token = { name: "wider", scope: TokenScope.WRITE };
    expect(await reasonOf(bound.createToken({ token }))).toBe("environment_bound");
    expect(await reasonOf(bound.createToken({ token: { ...token, environment: "theirs" } }))).toBe("other_environment");
    const environment = { name: "ours", domainSuffixes: ["ours.org", "theirs.org"] };
    const update = bound.updateEnvironment({ environment, updateMask: { paths: ["domain_suffixes"] } });
    expect(await reasonOf(update)).toBe("environment_bound");
    server.github.repositories.set("stranger/private", 999);
    const config = { githubOrg: "stranger", githubRepo: "private", environment: "ours", domain: "private.ours.org" };
    expect(await reasonOf(bound.createDeploymentConfig({ deploymentConfig: config }))).toBe("owner_not_in_environment");
    expect(await reasonOf(bound.planDeploymentConfig({ deploymentConfig: config }))).toBe("owner_not_in_environment");
    const made = await bound.createToken({ token: { ...token, name: "same", environment: "ours" } });
    expect((await server.connect(made.secret).listEnvironments({})).environments).toHaveLength(1);
  });
});

test("every refusal says a stable reason", async () => {
  const { client } = server;
  const taken = { name: "ours", domainSuffixes: ["x.org"], sitesUrl: "https://{host}" };
  const worker = { id: "ours-worker", environment: "ours", endpoint: "https://worker:1" };
  const config = { githubOrg: "ours-org", githubRepo: "first", environment: "ours", domain: "ours.org" };
  server.github.repositories.set("ours-org/second", 77);
  const expected: [string, () => Promise<unknown>][] = [
    ["unauthenticated", async () => server.connect("x").listTokens({})],
    ["token_scope", async () => server.connect(server.readToken).deleteEnvironment({ name: "ours" })],
    ["environment_exists", async () => client.createEnvironment({ environment: taken })],
    ["environment_not_found", async () => client.getEnvironment({ name: "no-such" })],
    ["environment_not_empty", async () => client.deleteEnvironment({ name: "ours" })],
    ["worker_exists", async () => client.createWorker({ worker })],
    ["worker_enabled", async () => client.createWorker({ worker: { ...worker, id: "second", enabled: true } })],
    ["worker_not_found", async () => client.getWorker({ id: "no-such" })],
    ["config_exists", async () => client.createDeploymentConfig({ deploymentConfig: { ...config, subdomain: "again" } })],
    ["host_taken", async () => client.createDeploymentConfig({ deploymentConfig: { ...config, githubRepo: "second" } })],
    [
      "repository_not_visible",
      async () => client.createDeploymentConfig({ deploymentConfig: { ...config, githubRepo: "unseen", subdomain: "u" } }),
    ],
    ["variable_not_found", async () => client.deleteBuildVariable({ githubOrg: "ours-org", githubRepo: "first", name: "NONE" })],
    ["token_exists", async () => client.createToken({ token: { name: "reader", scope: TokenScope.READ } })],
    ["token_not_found", async () => client.revokeToken({ name: "no-such" })],
    ["deployment_not_found", async () => client.getDeployment({ id: 9n })],
    ["site_not_found", async () => client.getSite({ id: 9n })],
    ["invalid_field", async () => client.getSite({})],
    ["invalid_field", async () => client.listSites({ pageSize: -1 })],
  ];
  for (const [reason, call] of expected) expect(await reasonOf(call())).toBe(reason);
});

test("a key that was turned: until a report comes with the new one Central signs with the old, and the new file holds both", async () => {
  const { keyFile } = await server.client.rotateWorkerKey({ id: "ours-worker" });
  const file = parseWorkerKeyFile(keyFile);
  const { selectSigningKey } = await import("#central/dispatch/sql/select-signing-key.ts");
  const { selectVerifyingKey } = await import("#central/status/sql/select-verifying-key.ts");
  const { noteKeyUse } = await import("#central/status/sql/note-key-use.ts");
  const [fresh, old] = file.verify.map(({ kid }) => kid);
  const before = await server.pool.query<{ kid: string }>(
    "select kid from worker_keys where worker_id = 'ours-worker' and direction = 'to_central' and kid <> $1",
    [file.sign.kid],
  );
  expect((await selectSigningKey(server.pool, "ours-worker"))?.kid).toBe(old);
  await noteKeyUse(server.pool, file.sign.kid);
  expect((await selectSigningKey(server.pool, "ours-worker"))?.kid).toBe(fresh);
  expect(await selectVerifyingKey(server.pool, before.rows[0]!.kid)).toBeDefined();
  await server.pool.query("update worker_keys set used_at = used_at - interval '11 minutes' where kid = $1", [file.sign.kid]);
  expect(await selectVerifyingKey(server.pool, before.rows[0]!.kid)).toBeUndefined();
  const next = parseWorkerKeyFile((await server.client.rotateWorkerKey({ id: "ours-worker" })).keyFile);
  expect(next.verify[1]?.kid).toBe(fresh);
  const { entries } = await server.client.listAuditEntries({ resource: "workers/ours-worker" });
  for (const { before: was, after } of entries) expect(`${was}${after}`).not.toMatch(/key/i);
});

describe("a suffix", () => {
  const sitesUrl = "https://{host}";
  test("is one environment's: another neither begins with it nor takes it on, even both at once", async () => {
    const taken = await refused(
      server.client.createEnvironment({ environment: { name: "third", domainSuffixes: ["third.org", "ours.org"], sitesUrl } }),
    );
    expect([taken.code, readReason(taken)]).toEqual([Code.AlreadyExists, "suffix_taken"]);
    expect(taken.message).toContain("environment.domain_suffixes[1]: ours.org is the environment ours's");
    const environment = { name: "theirs", domainSuffixes: ["theirs.org", "more.org", "ours.org"] };
    const paths = { paths: ["domain_suffixes"] };
    expect(await reasonOf(server.client.updateEnvironment({ environment, updateMask: paths }))).toBe("suffix_taken");
    // All of them have begun before the first inserts.
    const blocker = await server.pool.connect();
    await blocker.query("begin");
    await blocker.query("lock table environments in share mode");
    const racing = ["race-a", "race-b", "race-c", "race-d"].map(async (name) =>
      server.client.createEnvironment({ environment: { name, domainSuffixes: ["race.org"], sitesUrl } }),
    );
    await eventually(async () => {
      const { rows } = await server.pool.query(
        "select from pg_locks where relation = 'environments'::regclass and mode = 'RowExclusiveLock' and not granted",
      );
      expect(rows).toHaveLength(4);
    });
    await blocker.query("commit");
    blocker.release();
    const ended = await Promise.allSettled(racing);
    expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("of another environment below one's own keeps its hosts for that one, and names it to none who may not see it", async () => {
    await server.client.createEnvironment({ environment: { name: "below", domainSuffixes: ["below.ours.org"], sitesUrl } });
    server.github.repositories.set("ours-org/wide", 7001);
    server.github.repositories.set("ours-org/beside", 7002);
    const config = { githubOrg: "ours-org", githubRepo: "wide", environment: "ours", domain: "ours.org" };
    for (const place of [{ domain: "below.ours.org" }, { domain: "a.below.ours.org" }, { subdomain: "b.below" }]) {
      const deploymentConfig = { ...config, ...place };
      const error = await refused(bound.createDeploymentConfig({ deploymentConfig }));
      expect(readReason(error)).toBe("suffix_taken");
      expect(error.message).toContain("a suffix of another environment");
      const { problems } = await server.client.planDeploymentConfig({ deploymentConfig });
      expect(problems.map(({ reason }) => reason)).toContain("suffix_taken");
    }
    const beside = { ...config, githubRepo: "beside", subdomain: "not-below" };
    await bound.createDeploymentConfig({ deploymentConfig: beside });
    const move = { deploymentConfig: { ...beside, subdomain: "below" }, updateMask: { paths: ["subdomain"] } };
    expect(await reasonOf(bound.updateDeploymentConfig(move))).toBe("suffix_taken");
  });
});
