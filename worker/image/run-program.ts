import { spawn } from "node:child_process";
import type { FileHandle } from "node:fs/promises";
import { createInterface } from "node:readline";

/** A program that the image's build needs did not succeed. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/** Runs a program to its end. Its output goes to `onLine`, or its standard output to `output`. */
export async function runProgram(o: {
  command: readonly [string, ...string[]];
  cwd: string;
  output?: FileHandle;
  onLine: (line: string) => void;
}): Promise<void> {
  const [program, ...rest] = o.command;
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, rest, { cwd: o.cwd, stdio: ["ignore", o.output?.fd ?? "pipe", "pipe"] });
    let tail: string[] = [];
    const read = (line: string): void => {
      tail = [...tail.slice(-14), line];
      o.onLine(line);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) createInterface(stream).on("line", read);
    child.once("error", (cause) => reject(new ProgramError(`Could not run ${program}: ${cause.message}`, { cause })));
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new ProgramError(`${program} ended with ${code ?? signal} while the builder image was made:\n${tail.join("\n")}`));
    });
  });
}
