import type { DescEnum } from "@bufbuild/protobuf";
import type { GenEnum } from "@bufbuild/protobuf/codegenv2";

/** An enum's value as people read and type it: `removing` for SITE_STATE_REMOVING. Nothing for the one that says nothing. */
export function formatEnum(desc: DescEnum, number: number): string {
  if (number === 0) return "";
  const value = desc.value[number];
  return value === undefined ? `unknown (${number})` : nameOf(value.localName);
}

/** The values that may be typed; cli/choices.ts repeats them. */
export function listEnum(desc: DescEnum): string[] {
  return desc.values.filter((value) => value.number !== 0).map((value) => nameOf(value.localName));
}

/** The number of a value as it was typed, which was one of `listEnum`. */
export function parseEnum<E extends number>(desc: GenEnum<E>, name: string): E {
  const found = desc.values.find((value) => nameOf(value.localName) === name);
  if (found === undefined) throw new Error(`${desc.typeName} has no ${name}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is one of this very enum's
  return found.number as E;
}

function nameOf(localName: string): string {
  return localName.toLowerCase();
}
