import { existsSync, readFileSync } from "node:fs";

export type Surroundings = { dns: string[]; caFile?: string };

/** How this machine reaches the internet: the resolvers and certificates that builds in tests are given. */
export function readSurroundings(): Surroundings {
  const caFile = [process.env["NODE_EXTRA_CA_CERTS"], process.env["SSL_CERT_FILE"], "/etc/ssl/certs/ca-certificates.crt"].find(
    (file) => file !== undefined && existsSync(file),
  );
  return { dns: readResolvers(), ...(caFile === undefined ? {} : { caFile }) };
}

/** A resolver on loopback is out of a container's reach; systemd-resolved tells the ones behind it. */
function readResolvers(): string[] {
  for (const file of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    if (!existsSync(file)) continue;
    const found = [...readFileSync(file, "utf8").matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(
      (match) => match[1] ?? "",
    );
    const reachable = found.filter((address) => !address.startsWith("127."));
    if (reachable.length > 0) return reachable;
  }
  return ["1.1.1.1"];
}
