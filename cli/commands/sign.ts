import type { Command } from "commander";
import { formatVariables } from "../output/format-variables.ts";
import { print, printJson } from "../output/print.ts";
import { signVariables } from "../sign/sign-config.ts";

const example = `
Example:
  data='{"site_id":"1","generation":"2","host":"www.example.org"}'
  buf curl --cacert ca.pem -H "$(catapult sign /catapult.v1.WorkerService/Cleanup --worker w1 --data "$data")" \\
    -d "$data" https://deployer.example.org/catapult.v1.WorkerService/Cleanup

A header is good for one call within 300 s. Calls to a worker are signed with its key in Central's database
(DATABASE_URL, CENTRAL_SECRET_KEY), calls to Central with the worker's own key file (WORKER_KEY).`;

export function addSign(program: Command): void {
  program
    .command("sign")
    .argument("<method>", "such as /catapult.v1.WorkerService/Build")
    .description("print the header that signs one call made by hand")
    .requiredOption("--worker <id>", "the worker that is called, or that calls", process.env["WORKER_ID"] || undefined)
    .requiredOption("--data <json>", "the request, as it will be sent; @<file> reads a file, @- standard input")
    .option("--json", "print the header's name and value as JSON")
    .addHelpText("after", `${example}\n\n${formatVariables(signVariables)}`)
    .action(async (method: string, options: { worker: string; data: string; json?: boolean }) => {
      const { signByHand } = await import("../sign/sign-by-hand.ts");
      const header = await signByHand({ method, ...options });
      if (options.json === true) printJson(header);
      else print(`${header.name}: ${header.value}`);
    });
}
