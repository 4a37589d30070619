import { readFile } from "node:fs/promises";

/**
 * What builds need to know of this machine's network: its resolvers, which a container can reach unless they are on loopback (systemd's
 * stub is: its own are then in a file beside it), and a CA that the machine was told to trust. What the user set wins.
 */
export async function findBuildNetwork(
  env: NodeJS.ProcessEnv,
  files: readonly string[] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"],
): Promise<Record<string, string>> {
  const caFile = env["BUILD_CA_FILE"] || env["SSL_CERT_FILE"] || env["NODE_EXTRA_CA_CERTS"];
  const dns = env["BUILD_DNS"] || (await findResolvers(files)).join(",");
  return { ...(dns ? { BUILD_DNS: dns } : {}), ...(caFile ? { BUILD_CA_FILE: caFile } : {}) };
}

async function findResolvers(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    const found = parseResolvers(await readFile(file, "utf8").catch(() => ""));
    if (found.length > 0) return found;
  }
  return [];
}

/** The addresses after `nameserver` that are reachable from a container: IPv4 (builds have no IPv6), and not loopback. */
export function parseResolvers(text: string): string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\d+\.\d+\.\d+\.\d+)[ \t]*$/gm)]
    .map((match) => match[1] ?? "")
    .filter((address) => !address.startsWith("127."));
}
