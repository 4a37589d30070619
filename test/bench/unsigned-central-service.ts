import { clone, setExtension, type DescMethodUnary } from "@bufbuild/protobuf";
import { MethodDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import {
  CentralService,
  type ReportStatusRequestSchema,
  type ReportStatusResponseSchema,
} from "#gen/catapult/v1/central_service_pb.js";
import { Guard, guard } from "#gen/catapult/v1/guard_pb.js";

const { reportStatus } = CentralService.method;

/** ReportStatus with the same messages and rules, for holders of a token in place of a signature. */
export const unsignedReportStatus: DescMethodUnary<typeof ReportStatusRequestSchema, typeof ReportStatusResponseSchema> = {
  ...reportStatus,
  proto: withToken(),
  parent: { ...CentralService, typeName: "catapult.v1.UnsignedCentralService" },
};

function withToken() {
  const proto = clone(MethodDescriptorProtoSchema, reportStatus.proto);
  const options = clone(MethodOptionsSchema, reportStatus.proto.options!);
  setExtension(options, guard, Guard.WRITE_TOKEN);
  return { ...proto, options };
}
