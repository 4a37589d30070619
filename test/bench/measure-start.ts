import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { runProgram } from "#worker/image/run-program.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

const repositoryRoot = join(import.meta.dirname, "../..");

/** `npm start` in a fresh clone of the committed state, from a folder with a space: the first time and again. */
export async function measureStart(directory: string): Promise<void> {
  const clone = join(directory, "a fresh clone");
  await runProgram({ command: ["git", "clone", "--quiet", repositoryRoot, clone], cwd: directory, onLine: () => {} });
  printFigure("npm start, first time, to the preview's URL", milliseconds(await start(clone)), "under 4 min");
  printFigure("npm start, second time", milliseconds(await start(clone)), "under 15 s");
}

/** Runs `npm start` until it says where the preview is, asks for the page, and ends it as Ctrl-C does. */
async function start(clone: string): Promise<number> {
  const from = performance.now();
  const child = spawn("npm", ["start"], { cwd: clone, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const { pid } = child;
  if (pid === undefined) throw new Error("npm could not be started");
  let output = "";
  let live = Number.NaN;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (Number.isNaN(live) && /Preview\s+http\S+/.test(output)) {
      live = performance.now() - from;
      process.kill(-pid, "SIGINT");
    }
  });
  await once(child, "close");
  if (Number.isNaN(live)) throw new Error(`npm start ended before it named a preview:\n${output.slice(-4000)}`);
  return live;
}
