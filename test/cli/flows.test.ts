import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { launcher, runCatapult } from "./run-catapult.ts";
import { startBuildingCentral, type BuildingCentral } from "./support/start-building-central.ts";

// Each test starts a dozen of the command's processes, each of which took 7 s where twenty others wanted the two cores.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let server: BuildingCentral;
let folder: string;
beforeAll(async () => {
  server = await startBuildingCentral();
  folder = await mkdtemp(join(tmpdir(), "catapult-flows-"));
  for (const name of ["good", "broken", "endless"]) await server.addRepository(name);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = async (line: string, env: Record<string, string> = {}, onOut?: (out: string) => void) =>
  runCatapult(line.split(" "), {
    env: { CATAPULT_CENTRAL_URL: server.central.url, CATAPULT_TOKEN: server.token, ...env },
    ...(onOut === undefined ? {} : { onOut }),
  });
/** Begins a command, and waits until it has shown the log's last line; what it ends with comes as `ended`. */
async function begin(line: string) {
  const shown = Promise.withResolvers<void>();
  const ended = run(line, {}, (out) => out.includes("six") && shown.resolve());
  await Promise.race([shown.promise, ended]);
  return { ended };
}
const addConfig = async (name: string) => run(`configs add acme/${name} --environment one --domain one.test --subdomain ${name}`);
/** What a command prints as JSON, of which tests read single fields. */
async function read(line: string): Promise<Record<string, unknown>[]> {
  const { out } = await run(`${line} --json`);
  const value: unknown = JSON.parse(out);
  if (!Array.isArray(value)) throw new Error(`${line}: no list`);
  return value;
}
const newest = async (name: string): Promise<Record<string, unknown>> => {
  const [found] = await read(`deployments list --repository acme/${name} --limit 1`);
  if (found === undefined) throw new Error(`${name} has no deployment`);
  return found;
};
const log = "one\ntwo\nthree\nfour\nfive\nsix\n";

test("a config is planned, with what is wrong by its option, before it is added; then its site goes live and is rolled back", async () => {
  const bad = await run("configs plan acme/good --environment one --domain other.test");
  expect([bad.code, bad.out]).toEqual([1, expect.stringMatching(/^problem: --domain: .*one\.test/m)]);
  const plan = await run("configs plan acme/good --environment one --domain one.test --subdomain good");
  expect([plan.code, plan.out]).toEqual([0, expect.stringMatching(/^production url +https:\/\/good\.one\.test$/m)]);
  expect((await addConfig("good")).code).toBe(0);
  await eventually(async () => expect((await newest("good"))["state"]).toBe("DEPLOYMENT_STATE_SUCCEEDED"));

  const again = await run("deploy acme/good");
  expect(again).toMatchObject({ code: 0, out: log });
  expect(again.err).toMatch(/^deployment 1: is there already\ndeployment 1: succeeded\nhttps:\/\/good\.one\.test is live\n$/);
  const redeployed = await run("deployments redeploy 1");
  expect(redeployed).toMatchObject({ code: 0, out: log });
  const { id } = await newest("good");
  expect(redeployed.err).toContain(`deployment ${String(id)}: succeeded\nhttps://good.one.test is live\n`);

  const back = await run("rollback https://good.one.test/ --json");
  expect(back.code).toBe(0);
  expect(JSON.parse(back.out)).toMatchObject({
    host: "good.one.test",
    release: expect.stringMatching(/^1-/) as unknown,
    live: true,
  });
  expect(await run("rollback nowhere.one.test")).toMatchObject({
    code: 1,
    err: expect.stringContaining("(not_found):\n  there is no site nowhere.one.test") as unknown,
  });

  const table = (await run("deployments list --repository acme/good --state succeeded")).out.trimEnd().split("\n");
  expect(table[0]).toMatch(/^ID +STATE +REPOSITORY +COMMIT +BRANCH +ENVIRONMENT +MADE +TOOK +URL$/);
  expect(table[1]).toMatch(
    /^\d+ +succeeded, live +acme\/good +[0-9a-f]{8} +main +one +\S+Z +[\d.]+ m?s +https:\/\/good\.one\.test$/,
  );
  expect(table).toHaveLength(4);
});

test("a deployment that fails ends deploy with 3, its log on standard output and why on standard error; its log can be read again", async () => {
  await addConfig("broken");
  const { code, out, err } = await run("deploy acme/broken");
  expect([code, out]).toEqual([3, log]);
  expect(err).toMatch(/failed at build \(command_failed\); what was live stays:\nnpm run build ended with 1\nsee above\n$/);
  const id = String((await newest("broken"))["id"]);
  expect(await run(`deployments logs ${id}`)).toEqual({ code: 0, out: log, err: "" });
  expect(await run(`deployments logs -f ${id} --after 4`)).toEqual({ code: 0, out: "five\nsix\n", err: "" });
  const lines = (await run(`deployments logs ${id} --json`)).out.trimEnd().split("\n");
  expect(JSON.parse(lines[5] ?? "")).toEqual({ line: 6, text: "six" });
});

test("logs -f follows a build to its end, which cancel brings about", async () => {
  await addConfig("endless");
  const id = await eventually(async () => {
    const found = await newest("endless");
    expect(found["state"]).toBe("DEPLOYMENT_STATE_BUILDING");
    return String(found["id"]);
  });
  // Begun only once the build has ended, deploy would begin another, which has no end.
  const [following, waiting] = await Promise.all([begin(`deployments logs -f ${id}`), begin("deploy acme/endless")]);
  const canceled = await run(`deployments cancel ${id}`);
  expect(canceled).toMatchObject({ code: 0, out: expect.stringContaining(`Deployment ${id} is told to end`) as unknown });
  expect(await following.ended).toEqual({ code: 0, out: log, err: "" });
  expect((await waiting.ended).code).toBe(3);
  const twice = await run(`deployments cancel ${id}`);
  expect(twice.out).toBe(`Deployment ${id} is canceled; what is live stays.\n`);
});

test("Ctrl-C in a terminal ends the waiting, says how the deployment is ended, and leaves it running", async () => {
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    CATAPULT_CENTRAL_URL: server.central.url,
    CATAPULT_TOKEN: server.token,
  };
  const child = spawn("script", ["-qec", `'${launcher}' deploy acme/endless`, "/dev/null"], { env });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if (text.includes("six")) child.stdin.write("\u0003");
  });
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(130);
  const { id, state } = await newest("endless");
  expect(out).toContain(`deployment ${String(id)}: goes on; \`catapult deployments cancel ${String(id)}\` ends it`);
  expect(state).toBe("DEPLOYMENT_STATE_BUILDING");
  expect((await run(`deployments cancel ${String(id)}`)).code).toBe(0);
});

test("sites are listed, shown by host, and removed", async () => {
  expect((await run("sites list --kind production --repository acme/good")).out).toMatch(
    /^1 +https:\/\/good\.one\.test +acme\/good +production +wanted +[0-9a-f]{8} +\S* +worker-one$/m,
  );
  expect((await run("sites get good.one.test")).out).toMatch(/^live deployment +\d+$/m);
  expect(await run("sites list --kind preview")).toEqual({ code: 0, out: "", err: "There are no such sites.\n" });
  const refused = await run("configs remove acme/broken");
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("Give --delete-sites") as unknown });
  expect((await run("sites remove broken.one.test")).out).toContain("broken.one.test goes");
  await eventually(async () =>
    expect(await read("sites list --repository acme/broken --state removed")).toMatchObject([{ host: "broken.one.test" }]),
  );
});

test("a worker is added, drained, given new keys, put in another's place and removed", async () => {
  const keyFile = (name: string) => join(folder, name);
  const add = "workers add worker-two --environment one --endpoint";
  expect(await run(`${add} nowhere`)).toMatchObject({
    code: 2,
    err: expect.stringContaining("  --endpoint: must be") as unknown,
  });
  expect((await run(`${add} https://w.test --disabled --key-file ${keyFile("one")}`)).code).toBe(0);
  expect(await run("workers drain worker-two")).toMatchObject({
    code: 1,
    err: expect.stringContaining("not enabled") as unknown,
  });
  expect((await run("workers drain worker-one")).out).toMatch(/^Worker worker-one gets no more builds; \d run there now\.\n$/);
  expect((await run("workers list")).out).toMatch(/^worker-one +one +\S+ +draining /m);
  expect((await run("workers drain worker-one --off")).out).toBe("Worker worker-one gets builds again.\n");
  const turned = await run("workers rotate-key worker-two");
  expect(parseWorkerKeyFile(turned.out).worker).toBe("worker-two");
  expect((await run("workers enable worker-two")).out).toMatch(
    /^Worker worker-two gets the work of one\. \d+ sites? (is|are) deployed/,
  );
  expect((await run("workers enable worker-one")).code).toBe(0);
  expect((await run("workers disable worker-two")).code).toBe(0);
  expect((await run("workers remove worker-two")).out).toBe("Worker worker-two is gone.\n");
  expect((await run("workers get worker-two")).err).toContain("(not_found):\n  there is no worker worker-two");
});

test("tokens made by API work within what they are for, are refused by name otherwise, and end when revoked", async () => {
  const bad = await run("tokens create Bad");
  expect([bad.code, bad.err]).toEqual([2, expect.stringContaining("  <name>: expected 1 to 64 of a-z")]);
  const reading = (await run("tokens create ci --scope read --environment one")).out.trim();
  expect(await run("sites list --json", { CATAPULT_TOKEN: reading })).toMatchObject({ code: 0 });
  const write = await run("deploy acme/good", { CATAPULT_TOKEN: reading });
  expect([write.code, write.err]).toEqual([1, expect.stringContaining("Use a token of scope write")]);
  const bound = (await run("tokens create bound --environment one")).out.trim();
  await run("environments add two --suffix two.test");
  const elsewhere = await run("environments update two --suffix deux.test", { CATAPULT_TOKEN: bound });
  expect([elsewhere.code, elsewhere.err]).toEqual([1, expect.stringContaining("bound to one environment")]);
  expect(elsewhere.err).not.toContain("scope write");
  expect((await run("tokens revoke ci")).code).toBe(0);
  expect((await run("sites list", { CATAPULT_TOKEN: reading })).err).toContain("does not know the token");
  expect((await run("tokens list")).out).toMatch(/^ci +read +one +\S+Z +\S+ +\S+Z$/m);
  expect((await run("audit --limit 1 --token operator")).out).toMatch(/^\S+Z +operator +RevokeToken +tokens\/ci/m);
  expect(await read("audit --resource tokens/ci")).toMatchObject([{ method: "RevokeToken" }, { method: "CreateToken" }]);
});
