import { getOption, hasOption, type DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { describePatterns } from "../../../cli/central/describe-patterns.ts";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";

/** The patterns of all fields that an operator's call can hold. */
function findPatterns(message: DescMessage, seen = new Set<string>()): Set<string> {
  const found = new Set<string>();
  if (seen.has(message.typeName)) return found;
  seen.add(message.typeName);
  for (const each of message.fields) {
    const rules = hasOption(each, fieldRules) ? getOption(each, fieldRules).type : undefined;
    const items = rules?.case === "repeated" ? rules.value.items?.type : rules;
    if (items?.case === "string" && items.value.pattern !== "") found.add(items.value.pattern);
    if (each.message !== undefined) for (const pattern of findPatterns(each.message, seen)) found.add(pattern);
  }
  return found;
}

const patterns = new Set(OperatorService.methods.flatMap((method) => [...findPatterns(method.input)]));

test("there are patterns in what operators send", () => {
  expect(patterns.size).toBeGreaterThan(2);
});

test.each([...patterns])("%s is said in words", (pattern) => {
  const said = describePatterns(`environment.name: does not match regex pattern \`${pattern}\` [string.pattern]\nx.y: is bad`);
  expect(said).toMatch(/^environment\.name: (expected|must) /);
  expect(said).not.toContain(pattern);
  expect(said).not.toContain("regex");
  expect(said).toMatch(/\nx\.y: is bad$/);
});

test("an unknown pattern, of a newer Central, is left as it came, without the rule's name", () => {
  const came = "a.b: does not match regex pattern `^x$` [string.pattern]";
  expect(describePatterns(came)).toBe("a.b: does not match regex pattern `^x$`");
});
