import { createClient, type Client } from "@connectrpc/connect";
import { OperatorService } from "../gen/catapult/v1/operator_service_pb.js";
import { createTransport } from "./create-transport.ts";
import type { CatapultOptions } from "./options.ts";
import { watchDeployment, type WatchEvent, type WatchOptions } from "./watch-deployment.ts";

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
