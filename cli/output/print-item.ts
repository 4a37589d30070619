import { isMessage, toJson, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { reflect, isReflectList, isReflectMessage } from "@bufbuild/protobuf/reflect";
import { TimestampSchema, timestampDate } from "@bufbuild/protobuf/wkt";
import { expectAnswer } from "../central/expect-answer.ts";
import { formatEnum } from "./enum-names.ts";
import { formatTable } from "./format-table.ts";
import { formatTime, print, printJson } from "./print.ts";

/** Prints one thing: its fields that say something, a line each, or JSON. */
export function printItem<S extends DescMessage>(schema: S, item: MessageShape<S> | undefined, json: boolean | undefined): void {
  const found = expectAnswer(item);
  if (json === true) {
    printJson(toJson(schema, found));
    return;
  }
  const read = reflect(schema, found);
  const rows = schema.fields
    .filter((field) => read.isSet(field))
    .map((field) => [field.name.replaceAll("_", " "), formatValue(field, read.get(field))]);
  print(formatTable(["", ""], rows).trimStart());
}

function formatValue(field: DescField, value: unknown): string {
  if (isReflectList(value)) return [...value].map((each) => formatScalar(field, each)).join(", ");
  return formatScalar(field, value);
}

function formatScalar(field: DescField, value: unknown): string {
  if (isReflectMessage(value)) {
    if (isMessage(value.message, TimestampSchema)) return formatTime(timestampDate(value.message));
    return JSON.stringify(toJson(value.desc, value.message));
  }
  if (field.enum !== undefined && typeof value === "number") return formatEnum(field.enum, value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}
