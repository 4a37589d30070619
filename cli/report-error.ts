import { CommanderError } from "commander";
import { ConfigError } from "#common/config/config-error.ts";
import { errorMessage } from "#common/error-details.ts";
import { UsageError } from "./errors.ts";

/** Says what went wrong, without a stack unless LOG_LEVEL is debug or trace, and answers the exit code: 2 for what was typed or set. */
export function reportError(error: unknown, output: { write(text: string): unknown }): number {
  // Commander has written its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  output.write(`catapult: ${errorMessage(error)}\n`);
  const level = process.env["LOG_LEVEL"];
  if ((level === "debug" || level === "trace") && error instanceof Error) output.write(`${error.stack}\n`);
  return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}
