import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import { formatVariables } from "../output/format-variables.ts";

const load = async () => import("../central/approve-commit.ts");

export function addApprove(program: Command): void {
  program
    .command("approve")
    .argument("<owner/name>", "the repository that the pull request is for")
    .argument("<pull request>", "its number")
    .argument("<sha>", "the full id of its head, as the pull request's comment shows it")
    .description("let one commit of a fork's pull request be built; the token's name is recorded")
    .option("--json", "print the answer as JSON")
    .addHelpText("after", `\n${formatVariables(operatorVariables)}`)
    .action(async (repository: string, pullRequest: string, commit: string, options: { json?: boolean }) =>
      (await load()).approveCommit({ repository, pullRequest, commit }, options),
    );
}
