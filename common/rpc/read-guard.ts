import type { DescMethod } from "@bufbuild/protobuf";
import { getOption } from "@bufbuild/protobuf";
import { Guard, guard } from "#gen/catapult/v1/guard_pb.js";
import { centralSignatureHeader, workerSignatureHeader } from "./signature-header.ts";

/** The rule that lets callers of a method in, by its option in the proto. */
export type GuardRule =
  | { rule: "signature"; header: string; signer: "central" | "worker" }
  | { rule: "token"; scope: "read" | "write" }
  | { rule: "open" }
  | { rule: "none" };

// Their protos are not ours to put an option in. Whoever reaches the port may ask how it is and what it serves, and nothing else.
const openServices: ReadonlySet<string> = new Set([
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
]);

// Each call asks twice, and reading an option makes a message out of its bytes each time.
const known = new WeakMap<DescMethod["proto"], GuardRule>();

/** Reads a method's rule. `none`, for a method without the option or with a value this version does not know, lets nobody in. */
export function readGuard(method: DescMethod): GuardRule {
  const rule = known.get(method.proto) ?? readOption(method);
  known.set(method.proto, rule);
  return rule;
}

function readOption(method: DescMethod): GuardRule {
  if (openServices.has(method.parent.typeName)) return { rule: "open" };
  switch (getOption(method, guard)) {
    case Guard.SIGNED_BY_CENTRAL:
      return { rule: "signature", header: centralSignatureHeader, signer: "central" };
    case Guard.SIGNED_BY_WORKER:
      return { rule: "signature", header: workerSignatureHeader, signer: "worker" };
    case Guard.READ_TOKEN:
      return { rule: "token", scope: "read" };
    case Guard.WRITE_TOKEN:
      return { rule: "token", scope: "write" };
    default:
      return { rule: "none" };
  }
}
