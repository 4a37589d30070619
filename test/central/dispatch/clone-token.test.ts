import { afterAll, beforeAll, expect, test } from "vitest";
import { createGitHub, type GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { mintCloneToken } from "#central/github/mint-clone-token.ts";
import { addRepository, startTestCentral, type TestCentral } from "../support/start-test-central.ts";
import { log } from "../support/test-log.ts";

let central: TestCentral;
let github: GitHub;
beforeAll(async () => {
  central = await startTestCentral({ worker: false });
  const { appId, privateKey } = central.config;
  github = createGitHub({ appId, privateKey, apiUrl: central.forge.apiUrl }, central.pool, log);
});
afterAll(async () => central.stop());

async function installationOf(owner: string): Promise<bigint> {
  const { data } = await github.app.request("GET /app/installations");
  return BigInt(data.find(({ account }) => account !== null && "login" in account && account.login === owner)?.id ?? 0);
}

test("M4 an installation gives no token for a repository that it does not hold, and one that it holds sees that one alone", async () => {
  const own = await addRepository(central, "own");
  await addRepository(central, "beside");
  await central.forge.createRepository({ owner: "rival", name: "theirs", files: { "index.html": "theirs" } });
  const theirs = await central.forge.installApp({ owner: "rival", name: "theirs" }).then(async () => {
    const { data } = await github.app.request("GET /app/installations");
    expect(data).toHaveLength(2);
    return installationOf("rival");
  });
  const installationId = await installationOf("acme");
  const repositoryId = BigInt(own.id);
  await expect(mintCloneToken(github, { installationId: theirs, repositoryId })).rejects.toBeInstanceOf(GitHubError);
  await expect(mintCloneToken(github, { installationId, repositoryId: 999_999n })).rejects.toBeInstanceOf(GitHubError);
  const token = await mintCloneToken(github, { installationId, repositoryId });
  const answer = await fetch(`${central.forge.apiUrl}/installation/repositories`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await answer.json()).toMatchObject({ total_count: 1, repositories: [{ id: own.id }] });
});
