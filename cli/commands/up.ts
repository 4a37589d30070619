import type { Command } from "commander";
import { passedOn, upVariables } from "#local/up/up-variables.ts";
import { UsageError } from "../errors.ts";
import { formatVariables } from "../output/format-variables.ts";

export function addUp(program: Command): void {
  program
    .command("up")
    .description(
      "everything on this machine: database, Podman, Caddy, Central, a worker and a sample pull request (Ctrl-C ends it)",
    )
    .option("--state-dir <folder>", "where all of it is kept, in place of .catapult in the checkout")
    .addHelpText(
      "after",
      `\n${formatVariables(upVariables)}\n\nPassed on to the worker (\`catapult worker --help\` says what they mean):\n  ${passedOn.join(", ")}`,
    )
    .action(async ({ stateDir }: { stateDir?: string }) => {
      // Resolved, it would be the folder that the caller stands in.
      if (stateDir?.trim() === "") throw new UsageError("--state-dir: expected a folder's path");
      // The handler for commands that end by themselves would end this one at its next line, with all that it started left running.
      process.stdout.removeAllListeners("error");
      const { up } = await import("#local/up/up.ts");
      await up(stateDir === undefined ? {} : { stateDir });
    });
}
