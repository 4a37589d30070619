import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@connectrpc/connect";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { parseBytes } from "#common/config/parse.ts";
import { workerVariables } from "#worker/config.ts";
import { startCaddyDaemon } from "./caddy-daemon.ts";
import { startDaemon } from "./daemon.ts";
import { freePort } from "./free-port.ts";
import type { Links } from "./links.ts";
import type { TestPodman } from "./podman.ts";

export type StackWorker = Awaited<ReturnType<typeof startStackWorker>>;

/** One environment with its worker and the worker's own Caddy. */
export async function startStackWorker(o: {
  name: string;
  directory: string;
  operator: Client<typeof OperatorService>;
  podman: TestPodman;
  centralUrl: string;
  ca: string;
  links: Links;
  shared: Record<string, string>;
  releases: (() => Promise<unknown>)[];
  caddyAdmin?: (admin: string) => Promise<string>;
}) {
  const directory = join(o.directory, `worker-${o.name}`);
  await mkdir(directory, { recursive: true });
  const caddy = await startCaddyDaemon({ stateDir: join(directory, "caddy") });
  o.releases.push(() => caddy.stop());
  const [port, sitesPort] = [await freePort(), await freePort()];
  const url = `https://127.0.0.1:${port}`;
  const domain = `${o.name}.localhost`;
  await o.operator.createEnvironment({
    environment: { name: o.name, domainSuffixes: [domain], sitesUrl: `http://{host}:${sitesPort}` },
  });
  const added = await o.operator.createWorker({
    worker: {
      id: `worker-${o.name}`,
      environment: o.name,
      endpoint: await o.links.through("central-worker", url),
      enabled: true,
    },
  });
  const keyFile = join(directory, "worker-key.json");
  await writeFile(keyFile, added.keyFile, { mode: 0o600 });
  const environment: Record<string, string> & Record<"SITES_DIR" | "STATE_DIR" | "BUILD_DISK" | "BUILD_SLOTS", string> = {
    WORKER_KEY_FILE: keyFile,
    CENTRAL_URL: o.centralUrl,
    WORKER_LISTEN: `127.0.0.1:${port}`,
    PODMAN_SOCKET: o.podman.socket,
    BUILD_IMAGE: o.podman.imageReference,
    CADDY_ADMIN: (await o.caddyAdmin?.(caddy.admin)) ?? (await o.links.throughSocket("worker-caddy", caddy.admin)),
    SITES_DIR: join(directory, "sites"),
    SITES_LISTEN: `127.0.0.1:${sitesPort}`,
    STATE_DIR: join(directory, "state"),
    BUILD_MEMORY: "2g",
    BUILD_DISK: "2g",
    BUILD_SLOTS: "2",
    ...(await machineNetwork()),
    ...o.shared,
  };
  const daemon = await startDaemon({ directory, command: "worker", env: environment, probe: `${url}/readyz`, ca: o.ca });
  o.releases.push(() => daemon.stop());
  return {
    id: `worker-${o.name}`,
    environment: o.name,
    domain,
    url,
    keyFile,
    sitesPort,
    sitesDirectory: environment.SITES_DIR,
    stateDirectory: environment.STATE_DIR,
    /** What it was told to hold itself to. */
    limits: {
      slots: Number(environment.BUILD_SLOTS),
      releasesKeep: Number(environment["RELEASES_KEEP"] ?? workerVariables.releasesKeep.default),
      releaseBytes: parseBytes(environment.BUILD_DISK),
    },
    daemon,
    caddy,
  };
}

/** The resolver and the CA bundle of the machine that runs the tests, for builds that fetch packages. */
export async function machineNetwork(): Promise<Record<string, string>> {
  const resolvers = (await readFile("/etc/resolv.conf", "utf8")).matchAll(/^nameserver\s+(\S+)/gm);
  const caFile = process.env["SSL_CERT_FILE"] ?? process.env["NODE_EXTRA_CA_CERTS"];
  return { BUILD_DNS: [...resolvers].map((match) => match[1]).join(","), ...(caFile ? { BUILD_CA_FILE: caFile } : {}) };
}
