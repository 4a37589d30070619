import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { Need } from "./need.ts";

type Program = { name: string; places: readonly string[]; versionArgs?: readonly string[]; package: string; for: string };

// Podman finds these helpers in its own folders, which are not on PATH; sbin is not on an ordinary user's.
const helperFolders = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/lib/podman", "/usr/local/libexec/podman"];
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

const programs: readonly Program[] = [
  { name: "podman", places: [], package: "podman", for: "builds in containers" },
  { name: "runc", places: [], package: "runc", for: "containers' limits on every cgroup layout" },
  { name: "netavark", places: helperFolders, package: "netavark", for: "the builds' own networks" },
  { name: "nft", places: [], package: "nftables", for: "the rules that close those networks" },
  {
    name: "catatonit",
    places: helperFolders,
    versionArgs: ["--version"],
    package: "catatonit",
    for: "the first process of a container",
  },
  { name: "mmdebstrap", places: [], package: "mmdebstrap", for: "making the builder image" },
  { name: "caddy", places: [], versionArgs: ["version"], package: "caddy", for: "serving sites" },
  { name: "git", places: [], package: "git", for: "fetching commits" },
];

/** Looks for each program that Catapult calls. */
export async function checkPrograms(searchPath = process.env["PATH"] ?? ""): Promise<Need[]> {
  return Promise.all(programs.map(async (program) => checkProgram(program, searchPath)));
}

async function checkProgram(program: Program, searchPath: string): Promise<Need> {
  const folders = [...searchPath.split(":").filter((folder) => path.isAbsolute(folder)), ...systemFolders, ...program.places];
  const file = await findExecutable(program.name, folders);
  const base = { name: program.name, need: "required" as const };
  const advice = `for ${program.for}: install the package ${program.package} (apt-get install ${program.package})`;
  if (file === undefined) return { ...base, found: false, detail: "not found", advice };
  const version = await readVersion(file, program.versionArgs ?? ["--version"]);
  if (version === undefined) return { ...base, found: false, detail: `${file} does not run`, advice };
  return { ...base, found: true, detail: `${version} (${file})` };
}

/** iproute2 numbers some of its versions, and names others. */
function firstWord(text: string): string {
  return text.trim().split("\n")[0]?.slice(0, 60) || "version unknown";
}

async function findExecutable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = path.join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

async function readVersion(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(file, [...args], { timeout: 10_000 });
    const text = `${stdout}\n${stderr}`;
    return /\bv?([0-9]+(?:\.[0-9]+)+[^\s,;()_]*)/.exec(text)?.[1] ?? firstWord(text);
  } catch {
    return undefined;
  }
}
