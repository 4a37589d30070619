import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { debianPackages, debianSuite, nodeCommands, nodeTools, nodeVersion, type Architecture } from "./image-contents.ts";

/** The folder of the files that go into the image as they stand. */
export const filesFolder = path.join(import.meta.dirname, "files");

/** Two images of the same hash were made from the same inputs; Debian's packages of one day differ from another's, by security updates alone. */
export async function hashInputs(architecture: Architecture): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ layout: 2, architecture, debianSuite, debianPackages, nodeTools, nodeVersion, nodeCommands }));
  const entries = await readdir(filesFolder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) {
    hash.update(`\0${path.relative(filesFolder, file)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 16);
}
