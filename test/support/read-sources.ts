import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The TypeScript files under these folders of the repository, by path from its root. */
export async function readSources(...folders: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders)
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const file = join(entry.parentPath, entry.name);
      found.set(file.slice(root.length + 1), await readFile(file, "utf8"));
    }
  return found;
}

/** The titles that these calls are given in a test file, as they are written. */
export function readCallTitles(source: string, ...names: string[]): string[] {
  const given = String.raw`\b(?:${names.join("|")})(?:\.\w+(?:\((?:[^()]|\([^()]*\))*\))?)*\(\s*(["'\`])((?:\\.|(?!\1)[^\\])*)\1`;
  return [...source.matchAll(new RegExp(given, "gs"))].map((match) => match[2] ?? "");
}

/** The titles of a test file's tests and groups as they are written, and the rows of its tables that begin as a fault's title does. */
export function readTitles(source: string): string[] {
  const row = /(["'`])(faults? \d\d\b[^\n]*?)\1/g;
  const rows = [...source.matchAll(row)].map((match) => match[2] ?? "");
  return [...new Set([...readCallTitles(source, "test", "describe", "fault"), ...rows])];
}
