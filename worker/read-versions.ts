import { readFileSync } from "node:fs";
import type Dockerode from "dockerode";
import { readCaddyVersion } from "./caddy/read-caddy-version.ts";
import { withDeadline } from "./podman/with-deadline.ts";

const podmanMs = 2_000;
/** For one answer about its version Podman runs eight programs of the system's packages, 0.3 s of a core. */
const podmanKeepMs = 120_000;
const podmanVersions = new WeakMap<Dockerode, { at: number; version: string }>();

// As it was when this process began: the checkout may be a newer one by now.
const ownVersion = readOwnVersion();

/**
 * What runs here, as operators are shown it, Podman as it was at most two minutes ago. What does not answer is left out: it may have been replaced
 * since it did.
 */
export async function readVersions(o: { podman: Dockerode; caddyAdmin: string }): Promise<string[]> {
  const [podman, caddy] = await Promise.all([readPodmanVersion(o.podman).catch(() => undefined), readCaddyVersion(o.caddyAdmin)]);
  return [
    `catapult ${ownVersion}`,
    `node ${process.versions.node}`,
    ...(podman === undefined ? [] : [`podman ${podman}`]),
    ...(caddy === undefined ? [] : [`caddy ${caddy}`]),
  ];
}

async function readPodmanVersion(podman: Dockerode): Promise<string> {
  const kept = podmanVersions.get(podman);
  if (kept !== undefined && performance.now() - kept.at < podmanKeepMs) return kept.version;
  const { Version } = await withDeadline(podmanMs, "ask for Podman's version", podman.version());
  podmanVersions.set(podman, { at: performance.now(), version: Version });
  return Version;
}

function readOwnVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "";
}
