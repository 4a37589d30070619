export { type CatapultClient, createCatapultClient } from "./create-catapult-client.ts";
export type { CatapultOptions } from "./options.ts";
export { readReason } from "./read-reason.ts";
export { isFinal, type LogLine, type WatchEvent, type WatchOptions } from "./watch-deployment.ts";
export * from "../gen/catapult/v1/deployment_pb.js";
export * from "../gen/catapult/v1/operator_service_pb.js";
export { Code, ConnectError } from "@connectrpc/connect";
