import { afterAll, beforeAll, expect, test } from "vitest";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { bufCurl, protocols, type Protocol } from "./buf-curl.ts";
import { operatorCalls, type Round } from "./operator-calls.ts";
import { startSecureCentral, type SecureCentral } from "./start-secure-central.ts";

let server: SecureCentral;
beforeAll(async () => {
  server = await startSecureCentral();
});
afterAll(async () => server?.stop());

// Some 40 processes each: a few seconds, unless the machine has other work.
const timeout = 180_000;

/** buf exits with the code of the RPC times eight, and says it in words. */
const answered = /"code":\s*"([a-z_]+)"/;

async function callAll(url: string, name: string, choose: (index: number) => Protocol): Promise<string[]> {
  await server.addRepository(name);
  const round: Round = { name, deployment: "0", site: "0" };
  const wrong: string[] = [];
  for (const [index, { method, data, also = [], keep }] of operatorCalls.entries()) {
    const options = { ca: server.caFile, token: server.token, protocol: choose(index), data: data(round) };
    const { code, out, err } = await bufCurl(`${url}/catapult.v1.OperatorService/${method}`, options);
    const said = answered.exec(err)?.[1] ?? "";
    if (code !== 0 && !also.includes(said)) wrong.push(`${method} by ${options.protocol}: ${err}${out}`);
    // A stream's messages stand one behind the other.
    if (code === 0 && method !== "WatchDeployment") keep?.(JSON.parse(out), round);
    if (code === 0 && method === "WatchDeployment" && !out.includes("DEPLOYMENT_STATE_CANCELED")) wrong.push(`${method}: ${out}`);
  }
  return wrong;
}

test("every method of OperatorService is among those that are called", () => {
  expect(operatorCalls.map(({ method }) => method).toSorted()).toEqual(
    OperatorService.methods.map(({ name }) => name).toSorted(),
  );
});

test.each(protocols)("buf curl calls every method over TLS by %s, with nothing but reflection", { timeout }, async (protocol) => {
  expect(await callAll(server.url, `direct-${protocol}`, () => protocol)).toEqual([]);
});

test("buf curl calls every method through Caddy, by each protocol in turn", { timeout }, async () => {
  expect(await callAll(server.proxyUrl, "proxied", (index) => protocols[index % protocols.length]!)).toEqual([]);
});
