import { spawn } from "node:child_process";

export class GitError extends Error {
  override name = "GitError";
  readonly args: readonly string[];
  readonly stderr: string;

  constructor(args: readonly string[], code: number | null, stderr: string) {
    super(`git ${args.slice(0, 4).join(" ")} ended with ${code ?? "a signal"}: ${stderr.trim()}`);
    this.args = args;
    this.stderr = stderr;
  }
}

/** The environment of every git here: nothing of the machine's or the user's configuration, and no prompt. */
export function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    // The folder may have been made by root and be served by another user later, or the other way round.
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
  };
}

/** Runs git in a bare repository and gives what it printed. */
export async function runGit(directory: string, args: readonly string[], input?: Buffer): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const child = spawn("git", [`--git-dir=${directory}`, ...args], { env: gitEnvironment(), stdio: ["pipe", "pipe", "pipe"] });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    // git that ends early closes its input; its exit code tells why.
    child.stdin.on("error", () => undefined);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new GitError(args, code, Buffer.concat(errors).toString()));
    });
    child.stdin.end(input);
  });
}
