import { execFile } from "node:child_process";

/** nft could not be run, or refused: `reason` is in its words. */
export class NftError extends Error {
  override readonly name = "NftError";
  readonly reason: string;

  constructor(command: readonly string[], reason: string, cause: unknown) {
    super(`nft ${command.join(" ")} failed: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Runs nft, or `program` that leads to it, in this process's network namespace and answers what it printed. */
export async function runNft(
  command: readonly string[],
  input = "",
  [program, ...before]: readonly [string, ...string[]] = ["nft"],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...before, ...command],
      // Debian keeps nft where an ordinary user's PATH does not lead.
      { timeout: 10_000, maxBuffer: 2 ** 20, env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" } },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new NftError(command, stderr.trim().split("\n")[0] || error.message, error));
      },
    );
    child.stdin?.on("error", () => undefined).end(input);
  });
}
