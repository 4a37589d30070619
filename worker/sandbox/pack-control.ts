import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { buildUser } from "./container-options.ts";
import type { SandboxRun } from "./sandbox-types.ts";

/** A build cannot be described to its entry script. */
export class ControlError extends Error {
  override readonly name = "ControlError";
}

const folders = ["run", "source", "home", "tmp", "output", "cache", "cache/data", "cache/xdg"];

/** The folders of a build, its own, in a folder that is root's, so that the certificates in it can be read and nothing more. */
export function packLayout(certificates: string | undefined): Readable {
  const tar = pack();
  for (const name of folders) tar.entry({ name, type: "directory", mode: 0o755, uid: buildUser, gid: buildUser });
  if (certificates !== undefined) tar.entry({ name: "ca.pem", mode: 0o444, uid: 0, gid: 0 }, certificates);
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}

/** What to run, for the entry script: words that end in NUL, since anything else may stand in them. */
export function packRequest(
  run: Pick<SandboxRun, "rootDir" | "command" | "outputDir" | "devshell" | "environment" | "variables">,
): Readable {
  const environment = assign(run.environment);
  const variables = assign(run.variables ?? {});
  const tar = pack();
  const owner = { uid: buildUser, gid: buildUser, mode: 0o600 };
  tar.entry({ name: "run/request", ...owner }, join([run.rootDir, run.command, run.outputDir, run.devshell]));
  tar.entry({ name: "run/environment", ...owner }, join(environment));
  if (variables.length > 0) tar.entry({ name: "run/variables", ...owner }, join(variables));
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}

function assign(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new ControlError(`${JSON.stringify(name)} is no name of an environment variable`);
    return `${name}=${value}`;
  });
}

function join(words: readonly string[]): string {
  for (const word of words)
    if (word.includes("\0")) throw new ControlError("A build’s command, folders and variables hold no NUL");
  return words.map((word) => `${word}\0`).join("");
}
