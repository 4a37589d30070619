import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { digestMessage } from "./digest-message.ts";
import type { SigningKey } from "./keys.ts";
import { methodPath, signCall } from "./sign.ts";

export { centralSignatureHeader, workerSignatureHeader } from "./signature-header.ts";

/**
 * Signs each unary call for one recipient. It stands inside whatever retries, so that each attempt has its own time and nonce, and after
 * whatever changes the message.
 */
export function createSigningInterceptor(o: {
  header: string;
  recipient: string;
  key: () => SigningKey | Promise<SigningKey>;
  clock?: () => Date;
}): Interceptor {
  const clock = o.clock ?? (() => new Date());
  return (next) => async (request) => {
    if (request.stream) {
      throw new ConnectError(`${methodPath(request.method)} is a stream, and only single requests can be signed`, Code.Internal);
    }
    const digest = digestMessage(request.method.input, request.message);
    const key = await o.key();
    const signature = signCall({ method: methodPath(request.method), recipient: o.recipient, digest, key, now: clock() });
    request.header.set(o.header, signature);
    return next(request);
  };
}
