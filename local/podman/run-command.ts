import { spawn } from "node:child_process";

/** A program ended with something else than 0. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Runs a program to its end and returns its standard output; each line of its standard error goes to `onLine`. */
export async function runCommand(command: readonly string[], onLine: (line: string) => void = () => undefined): Promise<string> {
  const [program, ...rest] = command;
  if (program === undefined) throw new CommandError("No program was named");
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-4000);
      for (const line of text.split("\n")) if (line.trim() !== "") onLine(line.trimEnd());
    });
    child.once("error", (cause) => reject(new CommandError(`Could not run ${program}: ${cause.message}`, { cause })));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new CommandError(`${command.join(" ")} ended with ${code ?? signal}: ${errors.trim()}`));
    });
  });
}
