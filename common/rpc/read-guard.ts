import type { DescMethod } from "@bufbuild/protobuf";
import { getOption } from "@bufbuild/protobuf";
import { Guard, guard } from "#gen/catapult/v1/guard_pb.js";
import { centralSignatureHeader, workerSignatureHeader } from "./signature-header.ts";

/** The rule that lets callers of a method in, by its option in the proto. */
export type GuardRule =
  | { rule: "signature"; header: string; signer: "central" | "worker" }
  | { rule: "token"; scope: "read" | "write" }
  | { rule: "none" };

/** Reads a method's rule. `none`, for a method without the option or with a value this version does not know, lets nobody in. */
export function readGuard(method: DescMethod): GuardRule {
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
