import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import Dockerode from "dockerode";
import { afterEach, expect, test } from "vitest";
import { readVersions } from "#worker/read-versions.ts";

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

async function serve(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function read(caddyMetrics: string): Promise<string[]> {
  const podman = await serve((_, response) => response.setHeader("content-type", "application/json").end('{"Version":"5.4.2"}'));
  const caddy = await serve((request, response) => response.end(request.url === "/metrics" ? caddyMetrics : "{}"));
  return readVersions({ podman: new Dockerode({ host: "127.0.0.1", port: podman }), caddyAdmin: `http://127.0.0.1:${caddy}` });
}

const own = [expect.stringMatching(/^catapult \d+\.\d+\.\d+$/), `node ${process.versions.node}`];

test("a worker tells its own version, Node's, Podman's and Caddy's", async () => {
  const metrics = [
    "# TYPE go_build_info gauge",
    'go_build_info{checksum="",path="github.com/caddyserver/caddy/v2",version="v2.10.0"} 1',
    'go_info{version="go1.24.2"} 1',
  ];
  expect(await read(`${metrics.join("\n")}\n`)).toEqual([...own, "podman 5.4.2", "caddy 2.10.0"]);
});

test("a Caddy that was built without a version is left out, and so are a Podman and a Caddy that do not answer", async () => {
  expect(await read('go_build_info{checksum="",path="",version=""} 1\ngo_info{version="go1.19.8"} 1\n')).toEqual([
    ...own,
    "podman 5.4.2",
  ]);
  const podman = new Dockerode({ host: "127.0.0.1", port: await serve((_, response) => response.writeHead(500).end()) });
  const silent = await serve(() => {});
  expect(await readVersions({ podman, caddyAdmin: `http://127.0.0.1:${silent}` })).toEqual(own);
});

test("Podman is asked for its version once in two minutes", async () => {
  let asked = 0;
  const port = await serve((_, response) => {
    asked += 1;
    response.setHeader("content-type", "application/json").end('{"Version":"5.4.2"}');
  });
  const podman = new Dockerode({ host: "127.0.0.1", port });
  const caddyAdmin = `http://127.0.0.1:${port}`;
  const first = await readVersions({ podman, caddyAdmin });
  const afterFirst = asked;
  expect(await readVersions({ podman, caddyAdmin })).toEqual(first);
  // Caddy alone was asked again.
  expect(asked - afterFirst).toBe(afterFirst - 1);
});
