import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
// As it was generated before updates, sites and deployments could be asked for. It is never generated anew.
import { Forks, OperatorService as OldOperatorService } from "#test/fixtures/old-client/operator_service_pb.js";
import { SiteType } from "#test/fixtures/old-client/deployment_pb.js";
import { startSecureCentral, type SecureCentral } from "./start-secure-central.ts";

let server: SecureCentral;
beforeAll(async () => {
  server = await startSecureCentral();
});
afterAll(async () => server?.stop());

test.each([
  ["connect", createConnectTransport],
  ["grpc", createGrpcTransport],
  ["grpcweb", createGrpcWebTransport],
])("a client that was generated from the previous contract does by %s all that it could", async (name, createTransport) => {
  const transport = createTransport({
    httpVersion: "2",
    baseUrl: server.url,
    nodeOptions: { ca: server.ca },
    interceptors: [createBearerInterceptor(server.token)],
  });
  const client = createClient(OldOperatorService, transport);
  const repository = { githubOrg: "acme", githubRepo: `old-${name}` };
  await server.addRepository(repository.githubRepo);
  const environment = { name: `old-${name}`, domainSuffixes: [`old-${name}.test`], sitesUrl: "https://{host}" };
  expect(await client.createEnvironment({ environment })).toMatchObject({ environment });
  const worker = { id: `old-${name}`, environment: environment.name, endpoint: "https://old.test", enabled: false };
  const made = await client.createWorker({ worker });
  expect([made.worker, JSON.parse(made.keyFile)]).toMatchObject([worker, { worker: worker.id }]);
  const deploymentConfig = {
    ...repository,
    environment: environment.name,
    domain: `old-${name}.test`,
    siteType: SiteType.STATIC,
    forks: Forks.APPROVE,
  };
  expect(await client.createDeploymentConfig({ deploymentConfig })).toMatchObject({ deploymentConfig });
  await client.setBuildVariable({ ...repository, variable: { name: "CONTENT", value: "12345678" } });
  const { deploymentConfigs } = await client.listDeploymentConfigs({});
  expect(deploymentConfigs).toContainEqual(expect.objectContaining({ ...repository, buildVariableNames: ["CONTENT"] }));
  await client.deleteBuildVariable({ ...repository, name: "CONTENT" });
  expect((await client.listEnvironments({})).environments).toContainEqual(expect.objectContaining({ name: environment.name }));
  expect((await client.listWorkers({})).workers).toContainEqual(expect.objectContaining({ id: worker.id, enabled: false }));
  await expect(client.approve({ ...repository, pullRequest: 7n, commit: "0".repeat(40) })).rejects.toThrow(
    /\[(not_found|failed_precondition)\]/,
  );
  await client.deleteWorker({ id: worker.id });
  expect(await client.deleteDeploymentConfig({ ...repository, deleteSites: true })).toHaveProperty("sitesRemaining");
});
