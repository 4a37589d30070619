import { hash } from "node:crypto";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";

/**
 * SHA-256 of the message's binary encoding, in lower-case hex. Both sides encode the decoded message anew, so it is the same for JSON and
 * binary, compressed or not, over every protocol. Unknown fields are kept and count.
 */
export function digestMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): string {
  return hash("sha256", toBinary(schema, message), "hex");
}
