import { DeploymentStateSchema } from "#gen/catapult/v1/deployment_pb.js";
import { formatEnum } from "../output/enum-names.ts";
import { escapeControls } from "../output/format-table.ts";
import { print } from "../output/print.ts";
import { callCentral } from "./call-central.ts";

export type LogOptions = { follow?: boolean; after?: bigint; json?: boolean };

/** Prints a deployment's log: what is stored now, or with --follow all until it ends. */
export async function printLog(id: bigint, options: LogOptions): Promise<void> {
  await callCentral(`read the log of the deployment ${id}`, async (client) => {
    let stored: bigint | undefined;
    let last = options.after ?? 0n;
    let told = "";
    for await (const { deployment, lines } of client.watch(id, { afterLogLine: last })) {
      stored ??= deployment?.logLines;
      for (const { number, text } of lines) {
        if (options.json === true) print(JSON.stringify({ line: Number(number), text }));
        else print(escapeControls(text));
        last = number;
      }
      if (options.follow !== true && stored !== undefined && last >= stored) return;
      if (options.follow === true && deployment !== undefined && process.stderr.isTTY) {
        const state = formatEnum(DeploymentStateSchema, deployment.state);
        if (state !== told) process.stderr.write(`deployment ${id}: ${state}\n`);
        told = state;
      }
    }
  });
}
