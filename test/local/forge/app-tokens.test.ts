import { createSign, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestForge, type TestForge } from "#test/support/forge.ts";

let t: TestForge;
let now = Date.now();
beforeAll(async () => void (t = await startTestForge({ clock: () => new Date(now) })));
afterAll(() => t.stop());
const site = { owner: "acme", repo: "site" };

test("@octokit/app finds its installation and reads a repository by it", async () => {
  const { data } = await t.app().octokit.request("GET /repos/{owner}/{repo}/installation", site);
  expect(data.id).toBe(t.installationId);
  const octokit = await t.app().getInstallationOctokit(data.id);
  const answer = await octokit.request("GET /repos/{owner}/{repo}", site);
  expect(answer.data).toMatchObject({ id: t.repository.id, full_name: "acme/site", default_branch: "main", private: true });
  expect(answer.data.id).toBeGreaterThan(2 ** 31);
});

test("a web token signed by another key is refused", async () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  await expect(t.app(privateKey).octokit.request("GET /app")).rejects.toMatchObject({ status: 401 });
});

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

test.each([
  ["over ten minutes long", { iat: -60, exp: 700 }, 401],
  ["over already", { iat: -600, exp: -1 }, 401],
  ["issued in the future", { iat: 200, exp: 500 }, 401],
  ["of another App", { iat: -60, exp: 540, iss: "1" }, 404],
  ["as it should be", { iat: -60, exp: 540 }, 200],
])("a web token that is %s is answered as at GitHub", async (_, claims, status) => {
  const seconds = Math.floor(now / 1000);
  const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iss: "4711", ...claims, iat: seconds + claims.iat, exp: seconds + claims.exp })}`;
  const jwt = `${signed}.${createSign("RSA-SHA256").update(signed).sign(t.privateKey, "base64url")}`;
  const response = await fetch(`${t.forge.apiUrl}/app`, { headers: { authorization: `Bearer ${jwt}` } });
  expect(response.status).toBe(status);
});

test("an unknown token is refused, even where none is needed", async () => {
  await expect(t.withToken("ghs_wrong").request("GET /users/ann")).rejects.toMatchObject({
    status: 401,
    response: { data: { message: "Bad credentials" } },
  });
});

test("a revoked token is dead at once", async () => {
  const octokit = t.withToken(await t.mint());
  await octokit.request("GET /installation/repositories");
  expect((await octokit.request("DELETE /installation/token")).status).toBe(204);
  await expect(octokit.request("GET /installation/repositories")).rejects.toMatchObject({ status: 401 });
});

test("a token dies after its hour", async () => {
  const octokit = t.withToken(await t.mint());
  now += 3599_000;
  await octokit.request("GET /installation/repositories");
  now += 2_000;
  await expect(octokit.request("GET /installation/repositories")).rejects.toMatchObject({ status: 401 });
  now -= 3601_000;
});

test("a token narrowed to one repository does not see another of its installation", async () => {
  const other = await t.forge.createRepository({ owner: "acme", name: "other", files: { a: "b" } });
  await t.forge.installApp({ owner: "acme", name: "other" });
  const octokit = t.withToken(await t.mint({ repository_ids: [t.repository.id] }));
  await expect(octokit.request("GET /repositories/{id}", { id: other.id })).rejects.toMatchObject({ status: 404 });
  expect((await octokit.request("GET /installation/repositories")).data.total_count).toBe(1);
});

test("a token without a permission is refused what needs it", async () => {
  const octokit = t.withToken(await t.mint({ permissions: { contents: "read" } }));
  await expect(octokit.request("GET /repos/{owner}/{repo}/pulls", site)).rejects.toMatchObject({
    status: 403,
    response: { data: { message: "Resource not accessible by integration" } },
  });
});

test("more than the installation was granted is refused", async () => {
  await expect(t.mint({ permissions: { contents: "write" } })).rejects.toMatchObject({ status: 422 });
  await expect(t.mint({ repository_ids: [1] })).rejects.toMatchObject({ status: 422 });
});
