import { Code } from "@connectrpc/connect";
import type { RpcObserver } from "../rpc/observe-rpc.ts";
import { Counter, durationBuckets, Histogram, type Registry } from "./create-registry.ts";

/** Counts a server's RPCs by method and code, and times them. */
export function observeRpcs(registry: Registry): RpcObserver {
  const registers = [registry];
  const calls = new Counter({
    name: "catapult_rpcs_total",
    help: "RPCs that were answered, streams when they ended, by method and code; ok: without an error, canceled: the caller went away",
    labelNames: ["method", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "catapult_rpc_duration_seconds",
    help: "How long RPCs took that passed the gate, streams until they ended",
    labelNames: ["method"],
    buckets: durationBuckets,
    registers,
  });
  return ({ method, code, ms }) => {
    calls.inc({ method, code: code === undefined ? "ok" : snakeCase(Code[code]) });
    if (ms !== undefined) seconds.observe({ method }, ms / 1000);
  };
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])([A-Z])/g, "_$1").toLowerCase();
}
