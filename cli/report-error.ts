import { CommanderError } from "commander";
import { ConfigError } from "#common/config/config-error.ts";
import { errorMessage } from "#common/error-details.ts";
import { DeploymentEndedError, UsageError } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";

/** Says what went wrong, without a stack unless LOG_LEVEL is debug or trace, and answers the exit code. */
export function reportError(error: unknown, output: { write(text: string): unknown }): number {
  // Commander has written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  output.write(`catapult: ${errorMessage(error)}\n`);
  const level = process.env["LOG_LEVEL"];
  if ((level === "debug" || level === "trace") && error instanceof Error) output.write(`${error.stack}\n`);
  if (error instanceof DeploymentEndedError) return exitCodes.deploymentEnded;
  return error instanceof UsageError || error instanceof ConfigError ? exitCodes.usage : exitCodes.failed;
}
