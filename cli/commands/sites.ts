import { Option, type Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { ListSitesOptions } from "../central/manage-sites.ts";
import { siteKinds, siteStates } from "../choices.ts";
import { formatVariables } from "../output/format-variables.ts";
import { parseRepository } from "../parse-words.ts";

const load = async () => import("../central/manage-sites.ts");

export function addSites(program: Command): void {
  const command = program.command("sites").description("the hosts that are served");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  command
    .command("list")
    .description("list sites")
    .option("--environment <name>", "only of this environment")
    .option("--repository <owner/name>", "only of this repository", parseRepository)
    .addOption(new Option("--state <state>", "only in this state").choices(siteStates))
    .addOption(new Option("--kind <kind>", "only of this kind").choices(siteKinds))
    .option("--json", "print JSON")
    .action(async (options: ListSitesOptions) => (await load()).listSites(options));
  command
    .command("get")
    .argument("<site>", "its number, host or URL")
    .description("show one site")
    .option("--json", "print JSON")
    .action(async (site: string, options: { json?: boolean }) => (await load()).getSite(site, options));
  command
    .command("remove")
    .argument("<site>", "its number, host or URL")
    .description("remove a site; the next push, reopening or deploy brings it back")
    .option("--json", "print it as it is now as JSON")
    .action(async (site: string, options: { json?: boolean }) => (await load()).removeSite(site, options));
}
