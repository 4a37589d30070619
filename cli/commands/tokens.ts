import { Option, type Command } from "commander";
import { formatVariables } from "../output/format-variables.ts";
import { formatTime, print, printJson, printList } from "../output/print.ts";
import { databaseVariables } from "../local-database-config.ts";

const local = "straight in the database that DATABASE_URL names";

export function addTokens(program: Command): void {
  const command = program.command("tokens").description("bearer tokens of operators and services");
  command.addHelpText("afterAll", `\n${formatVariables(databaseVariables)}`);
  command
    .command("create")
    .argument("<name>", "what it is for: 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
    .description("make a token and print it, this once: only its hash is stored")
    .requiredOption("--local", local)
    .addOption(new Option("--scope <scope>", "what it may do").choices(["read", "write"]).default("write"))
    .option("--json", "print JSON")
    .action(async (name: string, options: { scope: "read" | "write"; json?: boolean }) => {
      const { createLocalToken } = await import("../local-tokens.ts");
      const token = await createLocalToken({ name, scope: options.scope });
      if (options.json === true) printJson({ name, scope: options.scope, token });
      else print(token);
    });
  command
    .command("list")
    .description("list all tokens, the revoked ones too")
    .requiredOption("--local", local)
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { listLocalTokens } = await import("../local-tokens.ts");
      printList(await listLocalTokens(), {
        json: options.json,
        toJson: ({ name, scope, created_at, used_at, revoked_at }) => ({
          name,
          scope,
          createTime: created_at,
          useTime: used_at,
          revokeTime: revoked_at,
        }),
        columns: {
          NAME: (item) => item.name,
          SCOPE: (item) => item.scope,
          CREATED: (item) => formatTime(item.created_at),
          USED: (item) => formatTime(item.used_at) || "never",
          REVOKED: (item) => formatTime(item.revoked_at),
        },
        none: "There are no tokens.",
      });
    });
  command
    .command("revoke")
    .argument("<name>")
    .description("revoke a token for good, at once")
    .requiredOption("--local", local)
    .action(async (name: string) => {
      const { revokeLocalToken } = await import("../local-tokens.ts");
      await revokeLocalToken(name);
      print(`Token ${name} is revoked.`);
    });
}
