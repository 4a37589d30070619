import { readFile } from "node:fs/promises";
import path from "node:path";
import { buildImage } from "#worker/image/build-image.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { startCaddy } from "../caddy/start-caddy.ts";
import { createCertificates, type CertificateFiles } from "../certificates/create-certificates.ts";
import { startForge } from "../forge/start-forge.ts";
import { startPodman } from "../podman/start-podman.ts";
import { startPostgres } from "../postgres/start-postgres.ts";
import type { GitHubChoice } from "./choose-github.ts";
import { ensureSudo } from "./ensure-sudo.ts";
import type { Start } from "./start.ts";
import { takeInImage } from "./take-in-image.ts";

export type Forge = Awaited<ReturnType<typeof startForge>>;

/** What Central and the worker stand on. */
export type Foundation = {
  databaseUrl: string;
  certificates: CertificateFiles;
  /** The CA, PEM. */
  ca: string;
  /** undefined: the real GitHub. */
  forge: Forge | undefined;
  podmanSocket: string;
  image: string;
  caddyAdmin: string;
};

/**
 * Starts them side by side. All are waited for before a failure is passed on, so that nothing comes up behind the back of the stop that follows.
 */
export async function startFoundation(
  start: Start,
  o: { databaseUrl: string | undefined; github: GitHubChoice; ports: { postgres: number; forge: number }; webhookUrl: string },
): Promise<Foundation> {
  const works = [
    startDatabase(start, o.databaseUrl, o.ports.postgres),
    startTrust(start, o),
    startIsolation(start),
    startSites(start),
  ] as const;
  await Promise.allSettled(works);
  const [database, trust, isolation, sites] = await Promise.all(works);
  return { ...database, ...trust, ...isolation, ...sites };
}

async function startDatabase(start: Start, given: string | undefined, port: number): Promise<Pick<Foundation, "databaseUrl">> {
  if (given !== undefined) return { databaseUrl: given };
  return start.steps.run("PostgreSQL", async (say) => {
    const server = await startPostgres({ stateDir: start.stateDir, port, log: say });
    start.releasers.push("PostgreSQL", async () => server.stop());
    start.emergencies.push(() => process.kill(server.pid, "SIGQUIT"));
    return { databaseUrl: server.url };
  });
}

async function startTrust(
  start: Start,
  o: { github: GitHubChoice; ports: { forge: number }; webhookUrl: string },
): Promise<Pick<Foundation, "certificates" | "ca" | "forge">> {
  const { stateDir } = start;
  const issued = await start.steps.run("certificates", async () => {
    const hosts = ["localhost", "127.0.0.1", "::1"];
    const certificates = await createCertificates({ directory: path.join(stateDir, "certificates"), hosts });
    return { certificates, ca: await readFile(certificates.caFile, "utf8") };
  });
  const { github } = o;
  if (github.kind === "github") return { ...issued, forge: undefined };
  const forge = await start.steps.run("forge (in GitHub's place)", async () =>
    startForge({
      directory: path.join(stateDir, "forge"),
      listen: { host: "127.0.0.1", port: o.ports.forge },
      webhookUrl: o.webhookUrl,
      webhookSecret: github.webhookSecret,
      webhookCa: issued.ca,
      app: github.app,
      log: start.logTo("forge"),
    }),
  );
  start.releasers.push("forge", async () => forge.stop());
  return { ...issued, forge };
}

async function startIsolation(start: Start): Promise<Pick<Foundation, "podmanSocket" | "image">> {
  const { stateDir, steps } = start;
  await ensureSudo();
  const service = await steps.run("Podman", async () => startPodman({ stateDir, log: start.logTo("podman") }));
  start.releasers.push("Podman", async () => service.stop());
  const podman = connectPodman(service.socket);
  const image = await steps.run("builder image", async (say) => {
    await takeInImage({ podman, stateDir, say });
    return buildImage({ podman, stateDir, onProgress: (line) => say(line.replace(/^builder image: /, "")) });
  });
  return { podmanSocket: service.socket, image: image.reference };
}

async function startSites(start: Start): Promise<Pick<Foundation, "caddyAdmin">> {
  const caddy = await start.steps.run("Caddy", async () => startCaddy({ stateDir: start.stateDir, log: start.logTo("caddy") }));
  start.releasers.push("Caddy", async () => caddy.stop());
  return { caddyAdmin: caddy.admin };
}
