import { Code, ConnectError } from "@connectrpc/connect";
import { createCatapultClient, type CatapultClient } from "#client/create-catapult-client.ts";
import { CommandError, UsageError } from "../errors.ts";
import { describeCallError } from "./describe-call-error.ts";
import { findCentral, type CentralAccess } from "./find-central.ts";

/** Calls Central as the environment or the login says; an error says what was attempted, where, what came back and what to do. */
export async function callCentral<T>(attempt: string, call: (client: CatapultClient) => Promise<T>): Promise<T> {
  return callCentralAt(findCentral(process.env), attempt, call);
}

export async function callCentralAt<T>(
  access: CentralAccess,
  attempt: string,
  call: (client: CatapultClient) => Promise<T>,
): Promise<T> {
  const client = createCatapultClient({ ...access, timeoutMs: 30_000, retries: 2 });
  try {
    return await call(client);
  } catch (error) {
    // What the command itself found wrong, and not Central.
    if (error instanceof CommandError || error instanceof UsageError) throw error;
    const found = ConnectError.from(error, Code.Unknown);
    const message = describeCallError(found, { attempt, url: access.url });
    // What was typed is wrong, only that Central knows and not this command.
    if (found.code === Code.InvalidArgument) throw new UsageError(message, { cause: error });
    throw new CommandError(message, { cause: error });
  } finally {
    client.close();
  }
}
