import { Code, ConnectError } from "@connectrpc/connect";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSecret } from "#central/database/seal.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { Forks, TokenScope } from "#gen/catapult/v1/operator_service_pb.js";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import { countRows, startOperatorServer, type OperatorServer } from "./start-operator-server.ts";

let server: OperatorServer;
let next = 0;
beforeAll(async () => {
  server = await startOperatorServer();
});
afterAll(async () => server.stop());

/** The error of a call, and that it stored nothing. */
async function refusal(call: () => Promise<unknown>): Promise<ConnectError> {
  const before = await countRows(server.pool);
  const error = await call().then(
    () => undefined,
    (caught: unknown) => ConnectError.from(caught),
  );
  expect(await countRows(server.pool)).toEqual(before);
  if (error === undefined) throw new Error("the call was not refused");
  return error;
}

/** An environment of its own with the suffix <name>.example.org. */
async function makeEnvironment(): Promise<{ name: string; domain: string }> {
  const name = `env-${(next += 1)}`;
  const domain = `${name}.example.org`;
  await server.client.createEnvironment({ environment: { name, domainSuffixes: [domain], sitesUrl: "https://{host}" } });
  return { name, domain };
}

function addRepository(name = `site-${(next += 1)}`): { githubOrg: string; githubRepo: string; id: number } {
  const id = (next += 1);
  server.github.repositories.set(`Acme/${name}`, id);
  return { githubOrg: "Acme", githubRepo: name, id };
}

async function makeConfig(change: Record<string, unknown> = {}) {
  const environment = await makeEnvironment();
  const { githubOrg, githubRepo } = addRepository();
  const config = { githubOrg, githubRepo, environment: environment.name, domain: environment.domain, ...change };
  const { deploymentConfig } = await server.client.createDeploymentConfig({ deploymentConfig: config });
  return { ...config, id: deploymentConfig!.id };
}

async function addSite(configId: bigint, host: string, o: { state?: string; deployment?: string; worker?: string } = {}) {
  const { rows } = await server.pool.query<{ id: bigint }>(
    `insert into sites (config_id, repository_id, kind, host, generation, state) values ($1, 1, 'production', $2, 4, $3) returning id`,
    [configId, host, o.state ?? "wanted"],
  );
  const id = rows[0]!.id;
  if (o.deployment !== undefined) {
    await server.pool.query(
      `insert into deployment_history (site_id, generation, commit_sha, branch, state, worker_id, lease_expires_at)
       values ($1, 4, repeat('a', 40), 'main', 'queued', $2, null)`,
      [id, o.worker ?? null],
    );
    await server.pool.query(
      `update deployment_history set state = $2, lease_expires_at = case when $2 = 'queued' then null else now() + interval '30 s' end
       where site_id = $1`,
      [id, o.deployment],
    );
  }
  return id;
}

async function jobs(key: string) {
  return (await server.pool.query(`select from graphile_worker.jobs where key = $1`, [key])).rowCount;
}

describe("tokens", () => {
  test("a call without a token, or with one that is none, is unauthenticated", async () => {
    for (const token of ["", "x", `cat_${"A".repeat(43)}`]) {
      const error = await refusal(async () => server.connect(token).listEnvironments({}));
      expect(error.code).toBe(Code.Unauthenticated);
    }
  });
  test("a read token lists, and is refused where something is written", async () => {
    const reader = server.connect(server.readToken);
    await reader.listEnvironments({});
    const environment = { name: "x", domainSuffixes: ["x.org"], sitesUrl: "https://{host}" };
    const error = await refusal(async () => reader.createEnvironment({ environment }));
    expect(error.code).toBe(Code.PermissionDenied);
  });
});

describe("environments", () => {
  test("one that was made is listed with its suffixes and the form of its URLs", async () => {
    const { name, domain } = await makeEnvironment();
    const { environments } = await server.client.listEnvironments({});
    const found = environments.find((item) => item.name === name);
    expect(found).toMatchObject({ name, domainSuffixes: [domain], sitesUrl: "https://{host}" });
    expect(found?.createTime).toBeDefined();
  });
  test("a name is given once", async () => {
    const { name } = await makeEnvironment();
    const environment = { name, domainSuffixes: ["other.org"], sitesUrl: "https://{host}" };
    const error = await refusal(async () => server.client.createEnvironment({ environment }));
    expect(error.code).toBe(Code.AlreadyExists);
    expect(error.message).toContain("environment.name");
  });
  test("a bad value is refused by rule of the proto and by ours, each naming the field in its text and its details", async () => {
    const bad: [object, string][] = [
      [{ name: "Bad Name" }, "environment.name"],
      [{ domainSuffixes: [] }, "environment.domain_suffixes"],
      [{ domainSuffixes: ["localhost"] }, "environment.domain_suffixes[0]"],
      [{ sitesUrl: "https://{host}/x" }, "environment.sites_url"],
      [{ sitesUrl: "https://{host}:99999" }, "environment.sites_url"],
    ];
    for (const [change, field] of bad) {
      const environment = { name: "good", domainSuffixes: ["good.org"], sitesUrl: "https://{host}", ...change };
      const error = await refusal(async () => server.client.createEnvironment({ environment }));
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.message).toContain(field);
      const violations = error.findDetails(ViolationsSchema)[0]?.violations;
      expect(violations?.[0]?.field?.elements.map((element) => element.fieldName)).toEqual(field.replace("[0]", "").split("."));
      // What a plain gRPC client reads, that knows nothing of protovalidate.
      expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe(field);
    }
  });
  test("one that has a worker or a config is not removed, an empty one is, and then it is not found", async () => {
    const config = await makeConfig();
    const refused = await refusal(async () => server.client.deleteEnvironment({ name: config.environment }));
    expect(refused.code).toBe(Code.FailedPrecondition);
    expect(refused.message).toContain("has 1 deployment config: remove");
    const { name } = await makeEnvironment();
    await server.client.deleteEnvironment({ name });
    expect((await refusal(async () => server.client.deleteEnvironment({ name }))).code).toBe(Code.NotFound);
  });
});

describe("workers", () => {
  test("one that is added gets a key for each direction, which are stored sealed and shown once", async () => {
    const { name } = await makeEnvironment();
    const id = `${"w".repeat(28)}-${(next += 1)}`;
    const { worker, keyFile } = await server.client.createWorker({
      worker: { id, environment: name, endpoint: "https://deployer.example.org:8443/", enabled: true },
    });
    expect(worker).toMatchObject({ id, environment: name, endpoint: "https://deployer.example.org:8443", enabled: true });
    const file = parseWorkerKeyFile(keyFile);
    expect(file.worker).toBe(id);
    const { rows } = await server.pool.query<{ kid: string; direction: string; key_sealed: Buffer }>(
      `select kid, direction, key_sealed from worker_keys where worker_id = $1 order by direction`,
      [id],
    );
    expect(rows.map((row) => [row.direction, row.kid])).toEqual([
      ["to_central", file.sign.kid],
      ["to_worker", file.verify[0]?.kid],
    ]);
    expect(openSecret(server.secretKey, rows[0]!.key_sealed)).toEqual(file.sign.key);
    expect(openSecret(server.secretKey, rows[1]!.key_sealed)).toEqual(file.verify[0]?.key);
    const listed = await server.client.listWorkers({});
    expect(JSON.stringify(listed.workers.map(({ id: listedId }) => listedId))).toContain(id);
  });
  test("an environment has one enabled worker, also when two are added at once", async () => {
    const { name } = await makeEnvironment();
    const add = async (id: string, enabled: boolean) =>
      server.client.createWorker({ worker: { id, environment: name, endpoint: "https://w.example.org", enabled } });
    const results = await Promise.allSettled([add(`${name}-a`, true), add(`${name}-b`, true)]);
    const failed = results.filter((result) => result.status === "rejected");
    expect(failed).toHaveLength(1);
    expect(ConnectError.from(failed[0]?.reason).code).toBe(Code.FailedPrecondition);
    await add(`${name}-c`, false);
    expect((await refusal(async () => add(`${name}-c`, false))).code).toBe(Code.AlreadyExists);
  });
  test("input 44 an unknown environment is a bad value that is named", async () => {
    const worker = { id: "lost", environment: "nowhere", endpoint: "https://w.example.org", enabled: true };
    const error = await refusal(async () => server.client.createWorker({ worker }));
    expect([error.code, error.message]).toEqual([Code.InvalidArgument, expect.stringContaining("worker.environment")]);
  });
  test("an endpoint without TLS is refused beyond loopback", async () => {
    const { name } = await makeEnvironment();
    const worker = { id: "plain", environment: name, endpoint: "http://w.example.org", enabled: true };
    const error = await refusal(async () => server.client.createWorker({ worker }));
    expect([error.code, error.message]).toEqual([Code.InvalidArgument, expect.stringContaining("worker.endpoint")]);
  });
  test("one with a running deployment is not removed; removed, its keys are gone with it", async () => {
    const config = await makeConfig();
    const id = `${config.environment}-w`;
    await server.client.createWorker({
      worker: { id, environment: config.environment, endpoint: "https://w.example.org", enabled: true },
    });
    const site = await addSite(config.id, config.domain, { deployment: "building", worker: id });
    const refused = await refusal(async () => server.client.deleteWorker({ id }));
    expect([refused.code, refused.message]).toEqual([Code.FailedPrecondition, expect.stringContaining("1 running deployment")]);
    await server.pool.query(`delete from deployment_history where site_id = $1`, [site]);
    await server.client.deleteWorker({ id });
    expect((await server.pool.query(`select from worker_keys where worker_id = $1`, [id])).rowCount).toBe(0);
    expect((await refusal(async () => server.client.deleteWorker({ id }))).code).toBe(Code.NotFound);
  });
});

describe("making a deployment config", () => {
  test("stores what the App says of the repository and asks for a look in the same transaction", async () => {
    const { name, domain } = await makeEnvironment();
    const repository = addRepository("My_Site.js");
    const { deploymentConfig } = await server.client.createDeploymentConfig({
      deploymentConfig: { githubOrg: "acme", githubRepo: "MY_SITE.js", environment: name, domain, subdomain: "www" },
    });
    expect(deploymentConfig).toMatchObject({
      githubOrg: "Acme",
      githubRepo: "My_Site.js",
      repositoryId: BigInt(repository.id),
      previewLabel: "my-site-js",
      productionUrl: `https://www.${domain}`,
      siteType: SiteType.AUTO,
      forks: Forks.APPROVE,
      disabled: false,
    });
    expect(await jobs(`look:${deploymentConfig?.id}`)).toBe(1);
    const { deploymentConfigs } = await server.client.listDeploymentConfigs({});
    expect(deploymentConfigs.find((item) => item.id === deploymentConfig?.id)).toEqual(deploymentConfig);
  });

  const refused: [string, object, Code, string][] = [
    ["input 28 an owner that climbs", { githubOrg: "../../x" }, Code.InvalidArgument, "github_org"],
    ["input 28 a repository that climbs", { githubRepo: ".." }, Code.InvalidArgument, "github_repo"],
    ["input 28 an id that disagrees with the name", { repositoryId: 1n }, Code.InvalidArgument, "repository_id"],
    ["input 28 a repository that the App does not see", { githubRepo: "hidden" }, Code.FailedPrecondition, "github_repo"],
    ["input 29 a case variant", { domain: "A.EXAMPLE.ORG" }, Code.InvalidArgument, "domain"],
    ["input 30 a trailing dot", { subdomain: "www." }, Code.InvalidArgument, "subdomain"],
    ["input 31 a wildcard", { subdomain: "*" }, Code.InvalidArgument, "subdomain"],
    ["input 32 a label of 64", { subdomain: "a".repeat(64) }, Code.InvalidArgument, "subdomain"],
    ["input 32 254 in all", { domain: "a.".repeat(127) }, Code.InvalidArgument, "domain"],
    ["input 33 bad punycode", { subdomain: "xn--a" }, Code.InvalidArgument, "subdomain"],
    ["input 34 an IP literal", { domain: "127.0.0.1" }, Code.InvalidArgument, "domain"],
    ["input 34 bare localhost", { domain: "localhost" }, Code.InvalidArgument, "domain"],
    ["input 35 a port", { domain: "a.example.org:80" }, Code.InvalidArgument, "domain"],
    ["input 36 a placeholder", { subdomain: "{http.request.host}" }, Code.InvalidArgument, "subdomain"],
    ["input 37 a reserved name", { subdomain: "deployer" }, Code.InvalidArgument, "subdomain"],
    ["input 37 a preview's name", { subdomain: "pr-1-site" }, Code.InvalidArgument, "subdomain"],
    ["input 38 a domain outside the environment", { domain: "elsewhere.example.org" }, Code.InvalidArgument, "domain"],
    ["input 39 output_dir ../", { outputDir: "../" }, Code.InvalidArgument, "output_dir"],
    ["input 39 output_dir /etc", { outputDir: "/etc" }, Code.InvalidArgument, "output_dir"],
    ["input 39 output_dir .", { outputDir: "." }, Code.InvalidArgument, "output_dir"],
    ["input 39 root_dir .git", { rootDir: ".git" }, Code.InvalidArgument, "root_dir"],
    [
      "input 40 an empty command of custom",
      { siteType: SiteType.CUSTOM, outputDir: "out" },
      Code.InvalidArgument,
      "build_command",
    ],
    ["input 40 a command with NUL", { buildCommand: "a\u0000" }, Code.InvalidArgument, "build_command"],
    ["input 40 a command over the limit", { buildCommand: "x".repeat(5000) }, Code.InvalidArgument, "build_command"],
    ["input 44 an unknown environment", { environment: "nowhere" }, Code.InvalidArgument, "environment"],
    ["an unknown site type", { siteType: 99 }, Code.InvalidArgument, "site_type"],
    ["an unknown rule for forks", { forks: 99 }, Code.InvalidArgument, "forks"],
  ];
  test.each(refused)("refuses %s, names the field and stores nothing", async (_, change, code, field) => {
    const environment = await makeEnvironment();
    const { githubOrg, githubRepo } = addRepository();
    const deploymentConfig = { githubOrg, githubRepo, environment: environment.name, domain: environment.domain, ...change };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect([Code[error.code], error.message]).toEqual([Code[code], expect.stringContaining(`deployment_config.${field}`)]);
  });

  test("names bad values and a place outside the environment at once", async () => {
    const { name } = await makeEnvironment();
    const { githubOrg, githubRepo } = addRepository();
    const deploymentConfig = { githubOrg, githubRepo, environment: name, domain: "elsewhere.example.org", rootDir: "/x" };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect(error.rawMessage.split("\n").map((line) => line.split(":")[0])).toEqual([
      "deployment_config.root_dir",
      "deployment_config.domain",
    ]);
  });

  test("a name with NUL, which the database cannot hold, is the name of nothing", async () => {
    const { client } = server;
    const worker = { id: "w", environment: "a\0", endpoint: "https://w.example.org" };
    const deploymentConfig = { githubOrg: "Acme", githubRepo: "site", environment: "a\0", domain: "a.example.org" };
    const calls: [() => Promise<unknown>, Code][] = [
      [async () => client.deleteEnvironment({ name: "a\0" }), Code.NotFound],
      [async () => client.deleteWorker({ id: "a\0" }), Code.NotFound],
      [async () => client.deleteDeploymentConfig({ githubOrg: "a", githubRepo: "a\0" }), Code.NotFound],
      [async () => client.createWorker({ worker }), Code.InvalidArgument],
      [async () => client.createDeploymentConfig({ deploymentConfig }), Code.InvalidArgument],
    ];
    for (const [call, code] of calls) expect(Code[(await refusal(call)).code]).toBe(Code[code]);
  });

  test.each<[string, () => Promise<unknown[]>]>([
    ["workers of an environment", async () => (await server.client.listWorkers({ environment: "a\0" })).workers],
    ["sites of an environment", async () => (await server.client.listSites({ environment: "a\0" })).sites],
    ["deployments of an environment", async () => (await server.client.listDeployments({ environment: "a\0" })).deployments],
    [
      "configs of an environment",
      async () => (await server.client.listDeploymentConfigs({ environment: "a\0" })).deploymentConfigs,
    ],
    ["configs of an owner", async () => (await server.client.listDeploymentConfigs({ githubOrg: "a\0" })).deploymentConfigs],
  ])("a name with NUL has no %s", async (_, list) => expect(await list()).toEqual([]));

  test("input 40 a command of 10 MB is refused before it is read as a message", async () => {
    const deploymentConfig = { githubOrg: "Acme", githubRepo: "site", buildCommand: "x".repeat(10_000_000) };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect([Code.ResourceExhausted, Code.InvalidArgument, Code.Unavailable, Code.Unknown]).toContain(error.code);
  });

  test("asks GitHub for nothing while a value is bad", async () => {
    const { name, domain } = await makeEnvironment();
    const before = server.github.asked.length;
    const deploymentConfig = { githubOrg: "Acme", githubRepo: "hidden", environment: name, domain, subdomain: "*" };
    await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect(server.github.asked.length).toBe(before);
  });

  test("is unavailable while GitHub does not answer", async () => {
    const { name, domain } = await makeEnvironment();
    const { githubOrg, githubRepo } = addRepository();
    server.github.broken = true;
    const deploymentConfig = { githubOrg, githubRepo, environment: name, domain };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    server.github.broken = false;
    expect(error.code).toBe(Code.Unavailable);
  });

  test("a repository has one config, in whatever case it is named", async () => {
    const config = await makeConfig();
    const deploymentConfig = { ...config, id: 0n, githubRepo: config.githubRepo.toUpperCase(), subdomain: "other" };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect([error.code, error.message]).toEqual([Code.AlreadyExists, expect.stringContaining("github_repo")]);
  });

  test("input 38 a host that another repository has is refused by name, with and without a subdomain", async () => {
    for (const subdomain of ["", "www"]) {
      const config = await makeConfig({ subdomain });
      const { githubOrg, githubRepo } = addRepository();
      const deploymentConfig = { ...config, id: 0n, githubOrg, githubRepo };
      const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
      expect(error.code).toBe(Code.AlreadyExists);
      expect(error.message).toContain(`deployment_config.${subdomain === "" ? "domain" : "subdomain"}`);
      expect(error.message).toContain(config.githubRepo);
    }
  });

  test("input 38 a host that a site of another repository still has is refused", async () => {
    const config = await makeConfig();
    await addSite(config.id, `old.${config.domain}`, { state: "removing" });
    const { githubOrg, githubRepo } = addRepository();
    const deploymentConfig = { ...config, id: 0n, githubOrg, githubRepo, subdomain: "old" };
    const error = await refusal(async () => server.client.createDeploymentConfig({ deploymentConfig }));
    expect([error.code, error.message]).toEqual([Code.AlreadyExists, expect.stringContaining("subdomain")]);
  });

  test("input 38 of many that want one host at once, one gets it", async () => {
    const environment = await makeEnvironment();
    const wanted = Array.from({ length: 6 }, () => addRepository());
    const results = await Promise.allSettled(
      wanted.map(async ({ githubOrg, githubRepo }) => {
        const deploymentConfig = {
          githubOrg,
          githubRepo,
          environment: environment.name,
          domain: environment.domain,
          subdomain: "a",
        };
        return server.client.createDeploymentConfig({ deploymentConfig });
      }),
    );
    const codes = results.flatMap((result) => (result.status === "rejected" ? [ConnectError.from(result.reason).code] : []));
    expect(codes).toEqual(Array.from({ length: 5 }, () => Code.AlreadyExists));
  });

  test("M2 repositories whose names give one preview label get different ones in a domain, also at once, and the same in two", async () => {
    const environment = await makeEnvironment();
    const name = `twin-${(next += 1)}`;
    const names = [`${name}.js`, `${name}_js`, `${name}-js`];
    for (const repository of names) addRepository(repository);
    const made = await Promise.all(
      names.map(async (githubRepo, index) => {
        const { name: env, domain } = environment;
        const deploymentConfig = { githubOrg: "Acme", githubRepo, environment: env, domain, subdomain: `s${index}` };
        return server.client.createDeploymentConfig({ deploymentConfig });
      }),
    );
    const labels = made.map((item) => item.deploymentConfig?.previewLabel ?? "");
    expect(new Set(labels).size).toBe(3);
    expect(labels.filter((label) => label === `${name}-js`)).toHaveLength(1);
    for (const label of labels) expect(label).toMatch(new RegExp(`^${name}-js(-[0-9a-f]{6})?$`));
  });
});

describe("removing a deployment config", () => {
  test("one without sites goes at once, in any case of its name, and then is not found", async () => {
    const config = await makeConfig();
    await addSite(config.id, config.domain, { state: "removed" });
    const request = { githubOrg: "ACME", githubRepo: config.githubRepo.toUpperCase() };
    expect((await server.client.deleteDeploymentConfig(request)).sitesRemaining).toBe(0);
    expect((await refusal(async () => server.client.deleteDeploymentConfig(request))).code).toBe(Code.NotFound);
  });

  test("one with sites is refused, which names them", async () => {
    const config = await makeConfig();
    await addSite(config.id, config.domain);
    const error = await refusal(async () => server.client.deleteDeploymentConfig(config));
    expect([error.code, error.message]).toEqual([Code.FailedPrecondition, expect.stringContaining(config.domain)]);
  });

  test("with its sites, each is handed to its worker at the next generation, what ran or waited is superseded, the etag changes, and a repeat changes nothing", async () => {
    const config = await makeConfig();
    const site = await addSite(config.id, config.domain, { deployment: "building" });
    const named = { githubOrg: config.githubOrg, githubRepo: config.githubRepo };
    const etag = async () => (await server.client.getDeploymentConfig(named)).deploymentConfig?.etag;
    await server.pool.query(`update deployment_history set waiting = 'not_ready' where site_id = $1`, [site]);
    const etags = [await etag()];
    const request = { ...named, deleteSites: true };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await server.client.deleteDeploymentConfig(request)).sitesRemaining).toBe(1);
      const { rows } = await server.pool.query(
        `select s.state, s.generation, c.deleting, d.state as deployment, d.waiting
         from sites s join deployment_config c on c.id = s.config_id join deployment_history d on d.site_id = s.id where s.id = $1`,
        [site],
      );
      expect(rows).toEqual([{ state: "removing", generation: 5n, deleting: true, deployment: "superseded", waiting: null }]);
      expect(await jobs(`dispatch:${site}`)).toBe(1);
      etags.push(await etag());
    }
    expect([etags[1] === etags[0], etags[2] === etags[1]]).toEqual([false, true]);
    await server.pool.query(`update sites set state = 'removed' where id = $1`, [site]);
    expect((await server.client.deleteDeploymentConfig(request)).sitesRemaining).toBe(0);
  });
});

test("what the log says of an operator's doing names the token, and never shows one", async () => {
  const before = server.lines().length;
  const { name } = await makeEnvironment();
  const { secret } = await server.client.createToken({ token: { name: `logged-${name}`, scope: TokenScope.READ } });
  await server.client.createWorker({ worker: { id: `logged-${name}`, environment: name, endpoint: "https://w.example.org" } });
  await makeConfig();
  await server.client.revokeToken({ name: `logged-${name}` });
  const lines = server.lines().slice(before);
  expect(lines.map(({ msg, tokenName }) => [msg, tokenName])).toEqual([
    ["environment created", "writer"],
    ["token made", "writer"],
    ["worker added", "writer"],
    ["environment created", "writer"],
    ["deployment config created", "writer"],
    ["token revoked", "writer"],
  ]);
  const text = JSON.stringify(lines);
  expect(text).not.toContain(server.token);
  expect(text).not.toContain(secret);
  expect(text).not.toContain("[redacted]");
});
