import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addApprove } from "./commands/approve.ts";
import { addAudit } from "./commands/audit.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConfigs } from "./commands/configs.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDeployments } from "./commands/deployments.ts";
import { addDaemons } from "./commands/daemons.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEnvironments } from "./commands/environments.ts";
import { addImage } from "./commands/image.ts";
import { addLogin } from "./commands/login.ts";
import { addSign } from "./commands/sign.ts";
import { addSites } from "./commands/sites.ts";
import { addTokens } from "./commands/tokens.ts";
import { addUp } from "./commands/up.ts";
import { addWorkers } from "./commands/workers.ts";

import { exitCodesHelp } from "./exit-codes.ts";

const about = "Pull requests become URLs, on servers of your own.";

/** The `catapult` command. What a command needs beyond its options is loaded when it runs: most need little of the program. */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("catapult")
    .description(about)
    .version(readVersion(), "-V, --version")
    .exitOverride()
    .showHelpAfterError("(catapult help lists the commands, catapult <command> --help says what one takes)")
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .addHelpText("after", `\n${exitCodesHelp}`);
  addUp(program);
  await addDaemons(program, argv);
  addDoctor(program);
  addImage(program);
  addLogin(program);
  addTokens(program);
  addEnvironments(program);
  addWorkers(program);
  addConfigs(program);
  addSites(program);
  addDeployments(program);
  addDeploy(program);
  addApprove(program);
  addAudit(program);
  addSign(program);
  addCompletion(program);
  return program;
}

function readVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "unknown";
}
