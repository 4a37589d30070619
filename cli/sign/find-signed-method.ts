import { getOption, type DescMethod } from "@bufbuild/protobuf";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { guard, Guard } from "#gen/catapult/v1/guard_pb.js";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { UsageError } from "../errors.ts";

export type SignedMethod = { method: DescMethod; signer: "central" | "worker" };

/** A method that takes a signature, by its path, with or without the leading slash. */
export function findSignedMethod(path: string): SignedMethod {
  const methods = [WorkerService, CentralService].flatMap((service) => service.methods).flatMap(readSigner);
  const wanted = path.replace(/^\//, "");
  const found = methods.find(({ method }) => `${method.parent.typeName}/${method.name}` === wanted);
  if (found !== undefined) return found;
  const known = methods.map(({ method }) => `/${method.parent.typeName}/${method.name}`).join(", ");
  throw new UsageError(`<method>: ${JSON.stringify(path)} is no method that takes a signature: ${known}`);
}

function readSigner(method: DescMethod): SignedMethod[] {
  switch (getOption(method, guard)) {
    case Guard.SIGNED_BY_CENTRAL:
      return [{ method, signer: "central" }];
    case Guard.SIGNED_BY_WORKER:
      return [{ method, signer: "worker" }];
    default:
      return [];
  }
}
