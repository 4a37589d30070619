import type { ConnectRouter } from "@connectrpc/connect";
import { Health } from "#gen/grpc/health/v1/health_pb.js";
import { addHealth, type IsReady } from "./health.ts";
import { addReflection } from "./reflection.ts";

/** Adds health and reflection for the services that a router has. */
export function addDiscovery(router: ConnectRouter, o: { isReady: IsReady; stopping: AbortSignal }): void {
  const services = [...new Set(router.handlers.map((handler) => handler.method.parent))];
  addHealth(router, { ...o, services: services.map((service) => service.typeName) });
  addReflection(router, { services: [...services, Health], stopping: o.stopping });
}
