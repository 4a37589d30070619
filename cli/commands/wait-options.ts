import type { Command } from "commander";

/** Of commands that start a deployment. */
export function addWaitOptions(command: Command): Command {
  return command
    .option("--no-wait", "do not wait for its end (waiting, a deployment that does not succeed is exit code 3)")
    .option("--json", "print the deployment as JSON, its progress on standard error");
}
