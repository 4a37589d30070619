import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { WaitOptions } from "../central/await-deployment.ts";
import type { DeployOptions } from "../central/start-deployments.ts";
import { formatVariables } from "../output/format-variables.ts";
import { parseId, parsePullRequest, parseRepository } from "../parse-words.ts";
import { addWaitOptions } from "./wait-options.ts";

const load = async () => import("../central/start-deployments.ts");

/** `catapult deploy` and `catapult rollback`. */
export function addDeploy(program: Command): void {
  const deploy = program
    .command("deploy")
    .argument("<owner/name>", "the repository", parseRepository)
    .description("deploy a repository without an event of GitHub, and wait until it is live")
    .option("--ref <ref>", "a branch, tag or full commit; without it, the default branch or the pull request's head")
    .option("--pull-request <number>", "to this one's preview, instead of production", parsePullRequest)
    .addHelpText("after", `\n${formatVariables(operatorVariables)}`);
  addWaitOptions(deploy).action(async (repository: { githubOrg: string; githubRepo: string }, options: DeployOptions) =>
    (await load()).deploy(repository, options),
  );
  const rollback = program
    .command("rollback")
    .argument("<site>", "its number, host or URL")
    .description(
      "make an earlier release live again, without a build; it stays until a push newer than what was rolled back from",
    )
    .option("--to <deployment>", "the deployment that made the release; without it, the one that was live before", parseId)
    .addHelpText("after", `\n${formatVariables(operatorVariables)}`);
  addWaitOptions(rollback).action(async (site: string, options: WaitOptions & { to?: bigint }) =>
    (await load()).rollBack(site, options),
  );
}
