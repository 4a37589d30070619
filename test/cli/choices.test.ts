import type { DescEnum } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { deploymentStates, forks, siteKinds, siteStates, siteTypes, tokenScopes } from "../../cli/choices.ts";
import { formatEnum, listEnum, parseEnum } from "../../cli/output/enum-names.ts";
import { DeploymentStateSchema, SiteKindSchema, SiteType, SiteTypeSchema } from "#gen/catapult/v1/deployment_pb.js";
import { ForksSchema, SiteStateSchema, TokenScopeSchema } from "#gen/catapult/v1/operator_service_pb.js";

test.each<[DescEnum, string[]]>([
  [SiteTypeSchema, siteTypes],
  [ForksSchema, forks],
  [SiteKindSchema, siteKinds],
  [SiteStateSchema, siteStates],
  [DeploymentStateSchema, deploymentStates],
  [TokenScopeSchema, tokenScopes],
])("what may be typed for %s is what the contract has", (desc, choices) => {
  expect(choices).toEqual(listEnum(desc));
});

test("a value goes by the same word in and out, and one that is not known here is shown as it came", () => {
  expect(parseEnum(SiteTypeSchema, "zola")).toBe(SiteType.ZOLA);
  expect(formatEnum(SiteTypeSchema, SiteType.ZOLA)).toBe("zola");
  expect(formatEnum(SiteTypeSchema, 99)).toBe("unknown (99)");
});
