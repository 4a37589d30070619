import { Code, ConnectError, type Client } from "@connectrpc/connect";
import { readConfig } from "#common/config/read-config.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { isLoopback } from "#common/rpc/is-loopback.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { CommandError, UsageError } from "../errors.ts";
import { operatorVariables } from "./central-config.ts";
import { describeCallError } from "./describe-call-error.ts";

/** Calls Central as the environment says; an error says what was attempted, where, what came back and what to do. */
export async function callCentral<T>(attempt: string, call: (client: Client<typeof OperatorService>) => Promise<T>): Promise<T> {
  const { url, token, ca } = readConfig(process.env, operatorVariables);
  const { protocol, hostname } = new URL(url);
  if (protocol === "http:" && !isLoopback(hostname)) {
    throw new UsageError("CATAPULT_CENTRAL_URL: http:// is for loopback addresses only, because the token goes with each call");
  }
  const interceptors = [createBearerInterceptor(token)];
  const client = createServiceClient(OperatorService, {
    url,
    ...(ca !== undefined && { ca }),
    interceptors,
    timeoutMs: 30_000,
    retries: 2,
  });
  try {
    return await call(client);
  } catch (error) {
    const found = ConnectError.from(error, Code.Unknown);
    throw new CommandError(describeCallError(found, { attempt, url }), { cause: error });
  } finally {
    client.close();
  }
}
