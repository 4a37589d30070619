import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

export type Mirrors = { debian: string; security: string };

const fallback: Mirrors = { debian: "http://deb.debian.org/debian", security: "http://deb.debian.org/debian-security" };

/** The Debian mirrors that this machine's own apt uses, else Debian's own. */
export async function findMirrors(aptFolder = "/etc/apt"): Promise<Mirrors> {
  const texts = [await read(path.join(aptFolder, "sources.list"))];
  const folder = path.join(aptFolder, "sources.list.d");
  for (const name of await readdir(folder).catch(() => [])) texts.push(await read(path.join(folder, name)));
  return chooseMirrors(texts);
}

/** Reads one-line and deb822 sources alike: any address in a line that is no comment, whose path is Debian's. */
export function chooseMirrors(sources: readonly string[]): Mirrors {
  const addresses = sources
    .flatMap((text) => text.split("\n"))
    .filter((line) => /^(deb\s|URIs:|\s)/.test(line))
    .flatMap((line) => line.match(/\bhttps?:\/\/\S+/g) ?? [])
    .map((address) => address.replace(/\/+$/, ""));
  return {
    debian: addresses.find((address) => address.endsWith("/debian")) ?? fallback.debian,
    security: addresses.find((address) => address.endsWith("/debian-security")) ?? fallback.security,
  };
}

async function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
