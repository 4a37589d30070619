import { createHash } from "node:crypto";
import type { TreeEntry } from "#worker/clone/read-tree.ts";

/**
 * Changes when what a repository's own flake makes may; '' without one. It looks at the folders where a flake is sought, and at a folder
 * `nix` there: what a flake reads elsewhere is made anew by each build until one of these changes, and is never wrong.
 */
export function identifyShell(folders: readonly (readonly TreeEntry[])[]): string {
  if (!folders.some((entries) => entries.some(isFlake))) return "";
  const hash = createHash("sha256");
  for (const entries of folders) {
    for (const { name, kind, id } of entries) {
      const decides = kind === "folder" ? name === "nix" : kind === "file" && (name === "flake.lock" || name.endsWith(".nix"));
      if (decides) hash.update(`${name}\0${id}\0`);
    }
    hash.update("\0");
  }
  return hash.digest("hex").slice(0, 40);
}

function isFlake({ name, kind }: TreeEntry): boolean {
  return name === "flake.nix" && kind === "file";
}
