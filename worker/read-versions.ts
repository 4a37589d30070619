import { readFileSync } from "node:fs";
import type Dockerode from "dockerode";
import { readCaddyVersion } from "./caddy/read-caddy-version.ts";
import { withDeadline } from "./podman/with-deadline.ts";

const podmanMs = 2_000;
// As it was when this process began: the checkout may be a newer one by now.
const ownVersion = readOwnVersion();

/** What runs here, as operators are shown it. What does not answer is left out: it may have been replaced since it did. */
export async function readVersions(o: { podman: Dockerode; caddyAdmin: string }): Promise<string[]> {
  const [podman, caddy] = await Promise.all([
    withDeadline(podmanMs, "ask for Podman's version", o.podman.version()).catch(() => undefined),
    readCaddyVersion(o.caddyAdmin),
  ]);
  return [
    `catapult ${ownVersion}`,
    `node ${process.versions.node}`,
    ...(podman === undefined ? [] : [`podman ${podman.Version}`]),
    ...(caddy === undefined ? [] : [`caddy ${caddy}`]),
  ];
}

function readOwnVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "";
}
