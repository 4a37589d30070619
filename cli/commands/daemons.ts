import type { Command } from "commander";
import type { Releasers } from "#common/lifecycle.ts";
import type { Logger } from "#common/logger.ts";
import { formatVariables } from "../output/format-variables.ts";

/** `catapult central` and `catapult worker`: configured by the environment alone. */
export async function addDaemons(program: Command, argv: readonly string[]): Promise<void> {
  const central = program
    .command("central")
    .description("run Central: webhooks in, work out to the workers, comments on pull requests");
  central.action(async () => {
    const { readCentralConfig } = await import("#central/config.ts");
    const config = readCentralConfig(process.env);
    const { startCentral } = await import("#central/main.ts");
    await run("central", config.logLevel, async (log, releasers) => startCentral(config, log, releasers));
  });
  const worker = program.command("worker").description("run a worker: builds in containers, sites through Caddy");
  worker.action(async () => {
    const { readWorkerConfig } = await import("#worker/config.ts");
    const config = readWorkerConfig(process.env);
    const { startWorker } = await import("#worker/main.ts");
    // Ending a build's containers and telling Central of it takes some seconds more.
    const deadlineMs = config.drainTimeout + 10_000;
    await run("worker", config.logLevel, async (log, releasers) => startWorker(config, log, releasers), deadlineMs);
  });
  // The variables are loaded only for the one whose help may be asked for: commander prints help without waiting for anything.
  if (argv.includes("central")) {
    const { centralVariables } = await import("#central/config.ts");
    central.addHelpText("after", `\n${formatVariables(centralVariables)}`);
  }
  if (argv.includes("worker")) {
    const { workerVariables } = await import("#worker/config.ts");
    worker.addHelpText("after", `\n${formatVariables(workerVariables)}`);
  }
}

async function run(
  name: string,
  level: string,
  start: (log: Logger, releasers: Releasers) => Promise<unknown>,
  deadlineMs?: number,
): Promise<void> {
  const { createLogger } = await import("#common/logger.ts");
  const { runDaemon } = await import("#common/lifecycle.ts");
  const log = createLogger({ name, level });
  await runDaemon({
    log,
    start: async (releasers) => void (await start(log, releasers)),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
}
