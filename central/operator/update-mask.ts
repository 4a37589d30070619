import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

/** The fields to change. A path that is not one of `known` is refused by its name; so is a mask without paths. */
export function readMask<T extends string>(mask: FieldMask | undefined, known: readonly T[]): ReadonlySet<T> {
  const asked = mask?.paths ?? [];
  const paths = known.filter((path) => asked.includes(path));
  const unknown = asked.filter((path) => !known.some((name) => name === path));
  if (unknown.length === 0 && paths.length > 0) return new Set(paths);
  const named = unknown.map((path) => JSON.stringify(path.slice(0, 64))).join(", ");
  const problem = unknown.length === 0 ? "must name a field" : `${named} cannot be changed`;
  const message = `update_mask: ${problem}; what can be is ${known.join(", ")}`;
  throw reasonError(Code.InvalidArgument, "update_mask_invalid", message, { fields: [{ field: "update_mask", message }] });
}
