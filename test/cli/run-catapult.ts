import { spawn } from "node:child_process";
import path from "node:path";

export const launcher = path.join(import.meta.dirname, "../../cli/catapult");

export type Run = { code: number | null; out: string; err: string };

/**
 * Runs the real launcher as a shell would, with a PATH that has this Node and no other setting of the caller's. `onOut` hears what it has printed so
 * far, each time that it prints.
 */
export async function runCatapult(
  words: readonly string[],
  o: { env?: Record<string, string>; input?: string; program?: string; cwd?: string; onOut?: (out: string) => void } = {},
): Promise<Run> {
  const searchPath = `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const child = spawn(o.program ?? launcher, words, { env: { PATH: searchPath, ...o.env }, cwd: o.cwd });
  const run = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    run.out += text;
    o.onOut?.(run.out);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (run.err += text));
  child.stdin.on("error", () => undefined).end(o.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { code, ...run };
}
