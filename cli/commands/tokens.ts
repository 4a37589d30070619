import { Option, type Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import { tokenScopes } from "../choices.ts";
import { UsageError } from "../errors.ts";
import { databaseVariables } from "../local-database-config.ts";
import { formatVariables } from "../output/format-variables.ts";

const local = "straight in the database that DATABASE_URL names, as for the first one";
const load = async () => import("../central/manage-tokens.ts");
const loadLocal = async () => import("../local-tokens.ts");

type Options = { local?: boolean; json?: boolean };

export function addTokens(program: Command): void {
  const command = program.command("tokens").description("bearer tokens of operators and services");
  command.addHelpText("afterAll", `\n${formatVariables({ ...operatorVariables, ...databaseVariables })}`);
  command
    .command("create")
    .argument("<name>", "what it is for: 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
    .description("make a token and print it, this once: only its hash is stored")
    .option("--local", local)
    .addOption(new Option("--scope <scope>", "what it may do").choices(tokenScopes).default("write"))
    .option("--environment <name>", "it sees and changes this environment alone")
    .option("--json", "print JSON")
    .action(async (name: string, options: Options & { scope: string; environment?: string }) => {
      if (options.local !== true) await (await load()).createToken(name, options);
      else if (options.environment === undefined) await (await loadLocal()).printNewLocalToken(name, options);
      else throw new UsageError("--environment, --local: a token for one environment is made through Central");
    });
  command
    .command("list")
    .description("list all tokens, the revoked ones too")
    .option("--local", local)
    .option("--json", "print JSON")
    .action(async (options: Options) =>
      options.local === true ? (await loadLocal()).printLocalTokens(options) : (await load()).listTokens(options),
    );
  command
    .command("revoke")
    .argument("<name>")
    .description("revoke a token for good, at once")
    .option("--local", local)
    .option("--json", "print it as it is now as JSON")
    .action(async (name: string, options: Options) => {
      if (options.local === true) await (await loadLocal()).revokeLocalToken(name, options);
      else await (await load()).revokeToken(name, options);
    });
}
