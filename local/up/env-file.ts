import { readFile, rename, writeFile } from "node:fs/promises";

/** Lines `export NAME='value'`, to be sourced by a POSIX shell, whatever the values hold. */
export function formatEnvFile(values: Record<string, string>, path: { prepend: string }): string {
  const lines = Object.entries(values).map(([name, value]) => `export ${name}=${quote(value)}`);
  return [`export PATH=${quote(`${path.prepend}:`)}"$PATH"`, ...lines, ""].join("\n");
}

/** The values of a file that formatEnvFile wrote. */
export function parseEnvFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/^export ([A-Z_]+)='((?:[^']|'\\'')*)'$/gm)) {
    if (name !== undefined && value !== undefined) values[name] = value.replaceAll(`'\\''`, `'`);
  }
  return values;
}

/** Replaces the file as a whole; only the owner can read it. */
export async function writeEnvFile(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * The environment without what a shell has from sourcing this state folder's own file: a value equal to the one there counts as unset, or
 * a start from such a shell would take its own database for one that the user chose.
 */
export async function dropOwnValues(env: NodeJS.ProcessEnv, file: string): Promise<NodeJS.ProcessEnv> {
  const own = parseEnvFile(await readFile(file, "utf8").catch(() => ""));
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== own[name]));
}

function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
