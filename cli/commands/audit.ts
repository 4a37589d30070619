import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AuditOptions } from "../central/list-audit.ts";
import { formatVariables } from "../output/format-variables.ts";
import { parseLimit } from "../parse-words.ts";

export function addAudit(program: Command): void {
  program
    .command("audit")
    .description("list what was written and by whom, the newest first; --json shows it before and after")
    .option("--token <name>", "only by this token")
    .option("--resource <name>", "only of this resource, such as workers/one")
    .option("--limit <number>", "at most so many", parseLimit, 50)
    .option("--json", "print JSON")
    .addHelpText("after", `\n${formatVariables(operatorVariables)}`)
    .action(async (options: AuditOptions) => (await import("../central/list-audit.ts")).listAudit(options));
}
