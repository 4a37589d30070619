import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What of GitHub the operators' calls need: which repositories the App sees. Names are found in any case, as at GitHub. */
export type GitHubStandIn = {
  url: string;
  repositories: Map<string, number>;
  broken: boolean;
  asked: string[];
  stop(): Promise<void>;
};

export async function startGitHubStandIn(): Promise<GitHubStandIn> {
  const standIn = { url: "", repositories: new Map<string, number>(), broken: false, asked: [] as string[], stop };
  const server = createServer((request, response) => {
    standIn.asked.push(`${request.method} ${request.url}`);
    const [status, body] = standIn.broken ? [502, { message: "Bad Gateway" }] : answer(standIn.repositories, request.url ?? "");
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  async function stop(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one
  standIn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return standIn;
}

function answer(repositories: Map<string, number>, url: string): [number, unknown] {
  if (/^\/app\/installations\/\d+\/access_tokens$/.test(url)) {
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    return [201, { token: "ghs_0123456789", expires_at: expires, permissions: {}, repository_selection: "selected" }];
  }
  const path = /^\/repos\/([^/]+)\/([^/]+?)(\/installation)?$/.exec(url);
  const wanted = `${path?.[1]}/${path?.[2]}`.toLowerCase();
  const found = [...repositories].find(([name]) => name.toLowerCase() === wanted);
  if (found === undefined) return [404, { message: "Not Found" }];
  if (path?.[3] !== undefined) return [200, { id: 77 }];
  const [owner, name] = found[0].split("/");
  return [200, { id: found[1], name, owner: { login: owner }, default_branch: "main" }];
}
