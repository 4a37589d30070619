import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { OperatorService } from "../gen/catapult/v1/operator_service_pb.js";
import { createTransport } from "./create-transport.ts";
import { watchDeployment, type WatchEvent, type WatchOptions } from "./watch-deployment.ts";

export type CatapultOptions = {
  /** Central's URL. http:// is for loopback addresses alone: the token goes with each call. */
  url: string;
  /** A bearer token, or what gives the one of the moment. */
  token: string | (() => string | Promise<string>);
  /** Certificates (PEM) that are trusted beside the system's. */
  ca?: string | undefined;
  /** What a single call has in all, repeats and pauses together; 30 s if not said. A watch has no end of its own. */
  timeoutMs?: number | undefined;
  /** How often a call that failed is tried again, where a repeat does no harm; 3 if not said. */
  retries?: number | undefined;
  /** They run within each attempt. */
  interceptors?: Interceptor[] | undefined;
};

export type CatapultClient = Client<typeof OperatorService> & {
  /**
   * Follows a deployment to its end: its states and the lines of its log, each line once and in order, over broken connections too.
   * `watchDeployment` is the bare call.
   */
  watch(id: bigint, options?: WatchOptions): AsyncGenerator<WatchEvent, void, undefined>;
  /** Ends its connections. */
  close(): void;
};

/** A typed client of Central's OperatorService. Errors are ConnectErrors; `readReason` reads their stable reason. */
export function createCatapultClient(o: CatapultOptions): CatapultClient {
  const connection = createTransport(o);
  const client = createClient(OperatorService, connection.transport);
  return Object.assign(client, {
    watch: (id: bigint, options: WatchOptions = {}) => watchDeployment(client, id, options),
    close: () => connection.close(),
  });
}
