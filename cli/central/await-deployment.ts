import type { CatapultClient } from "#client/create-catapult-client.ts";
import { isFinal } from "#client/watch-deployment.ts";
import { DeploymentState, DeploymentStateSchema, StageSchema } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentSchema, type Deployment } from "#gen/catapult/v1/operator_service_pb.js";
import { DeploymentEndedError } from "../errors.ts";
import { formatEnum } from "../output/enum-names.ts";
import { escapeControls } from "../output/format-table.ts";
import { print } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";

export type WaitOptions = { wait: boolean; json?: boolean };

/**
 * Follows a deployment to its end: its log on standard output, its states on standard error; with --json the ended deployment alone on standard
 * output. One that does not succeed is a DeploymentEndedError. A held one is not waited for: somebody has to approve it.
 */
export async function awaitDeployment(client: CatapultClient, made: Deployment, options: WaitOptions): Promise<void> {
  let deployment = made;
  if (options.wait && made.state !== DeploymentState.HELD) {
    deployment = await follow(client, made, options.json !== true);
  } else if (options.json !== true) {
    print(`Deployment ${made.id} is ${describe(made)}: catapult deployments logs -f ${made.id}`);
  }
  if (options.json === true) printItem(DeploymentSchema, deployment, true);
  if (!options.wait) return;
  if (deployment.state === DeploymentState.SUCCEEDED) {
    if (options.json !== true) process.stderr.write(`${deployment.url} is live\n`);
    return;
  }
  throw new DeploymentEndedError(escapeLines(explain(deployment)));
}

async function follow(client: CatapultClient, made: Deployment, printLines: boolean): Promise<Deployment> {
  const tell = (text: string): void => void process.stderr.write(`deployment ${made.id}: ${text}\n`);
  // Whoever stops waiting has stopped nothing else.
  const leave = (): never => {
    tell(`goes on; \`catapult deployments cancel ${made.id}\` ends it`);
    process.exit(130);
  };
  process.once("SIGINT", leave);
  try {
    let deployment = made;
    let told = "";
    if (isFinal(made.state)) tell("is there already");
    for await (const event of client.watch(made.id)) {
      deployment = event.deployment ?? deployment;
      const state = describe(deployment);
      // The last one is told below its log.
      if (state !== told && !isFinal(deployment.state)) tell(state);
      told = state;
      if (printLines) for (const line of event.lines) print(escapeControls(line.text));
    }
    tell(describe(deployment));
    return deployment;
  } finally {
    process.off("SIGINT", leave);
  }
}

function describe(deployment: Deployment): string {
  const state = formatEnum(DeploymentStateSchema, deployment.state);
  return deployment.waiting === "" ? state : `${state}, waits: ${deployment.waiting}`;
}

function explain({ id, host, state, failure, commit }: Deployment): string {
  const named = `deployment ${id} of ${host} at ${commit.slice(0, 8)}`;
  if (state === DeploymentState.HELD) return `${named} is held until somebody approves it`;
  if (failure === undefined) return `${named} ended ${formatEnum(DeploymentStateSchema, state)}; what was live stays`;
  return `${named} failed at ${formatEnum(StageSchema, failure.stage)} (${failure.reason}); what was live stays:\n${failure.message}`;
}

function escapeLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
