import { Option, type Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { WaitOptions } from "../central/await-deployment.ts";
import type { ListDeploymentsOptions } from "../central/manage-deployments.ts";
import type { LogOptions } from "../central/print-log.ts";
import { deploymentStates } from "../choices.ts";
import { formatVariables } from "../output/format-variables.ts";
import { parseCommit, parseId, parseLimit, parseLine, parsePullRequest, parseRepository } from "../parse-words.ts";
import { addWaitOptions } from "./wait-options.ts";

const load = async () => import("../central/manage-deployments.ts");

export function addDeployments(program: Command): void {
  const command = program.command("deployments").description("attempts to make one commit live at one site");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  command
    .command("list")
    .description("list deployments, the newest first")
    .option("--environment <name>", "only of this environment")
    .option("--repository <owner/name>", "only of this repository", parseRepository)
    .option("--site <number>", "only of this site", parseId)
    .option("--pull-request <number>", "only of this pull request", parsePullRequest)
    .addOption(new Option("--state <state...>", "only in one of these states").choices(deploymentStates))
    .option("--commit <sha>", "only of this commit", parseCommit)
    .option("--limit <number>", "at most so many", parseLimit, 50)
    .option("--json", "print JSON")
    .action(async (options: ListDeploymentsOptions) => (await load()).listDeployments(options));
  command
    .command("get")
    .argument("<id>", "its number", parseId)
    .description("show one deployment")
    .option("--json", "print JSON")
    .action(async (id: bigint, options: { json?: boolean }) => (await load()).getDeployment(id, options));
  command
    .command("logs")
    .argument("<id>", "its number", parseId)
    .description("print a deployment's log")
    .option("-f, --follow", "go on until it has ended")
    .option("--after <line>", "only what comes after this line", parseLine)
    .option("--json", "print one JSON object a line")
    .action(async (id: bigint, options: LogOptions) => (await import("../central/print-log.ts")).printLog(id, options));
  command
    .command("cancel")
    .argument("<id>", "its number", parseId)
    .description("end a deployment that is held, queued or running; what is live stays")
    .option("--json", "print it as it is now as JSON")
    .action(async (id: bigint, options: { json?: boolean }) => (await load()).cancelDeployment(id, options));
  const again = command
    .command("redeploy")
    .argument("<id>", "its number", parseId)
    .description("deploy a deployment's commit again");
  addWaitOptions(again).action(async (id: bigint, options: WaitOptions) =>
    (await import("../central/start-deployments.ts")).redeploy(id, options),
  );
}
