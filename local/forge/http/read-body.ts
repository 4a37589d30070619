import type { IncomingMessage } from "node:http";
import { HttpError, invalidRequest } from "./errors.ts";

export type Field =
  | { type: "string"; required?: boolean; nullable?: boolean; oneOf?: readonly string[] }
  | { type: "boolean"; required?: boolean }
  | { type: "integer"; required?: boolean }
  | { type: "strings" | "integers"; required?: boolean }
  | { type: "levels"; required?: boolean }; // an object of strings, as permissions are

export type BodySpec = Record<string, Field>;

type FieldValue<F extends Field> =
  | (F extends { type: "string"; nullable: true } ? string | null : never)
  | (F extends { type: "string" }
      ? string
      : F extends { type: "boolean" }
        ? boolean
        : F extends { type: "integer" }
          ? number
          : F extends { type: "levels" }
            ? Record<string, string>
            : F extends { type: "integers" }
              ? number[]
              : string[]);
export type BodyOf<S extends BodySpec> = {
  [K in keyof S]: S[K] extends { required: true } ? FieldValue<S[K]> : FieldValue<S[K]> | undefined;
};

const bodyLimit = 2 * 1024 * 1024;

export async function readRequestBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new HttpError(413, "Payload too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Checks a body against its fields: a missing, unknown or ill-typed one is refused in the words of GitHub's schema check. */
export function parseBody<S extends BodySpec>(spec: S, raw: Buffer): BodyOf<S> {
  const body = parseObject(raw);
  const problems: string[] = [];
  for (const [name, field] of Object.entries(spec)) {
    const value = body[name];
    if (value === undefined) {
      if (field.required === true) problems.push(`"${name}" wasn't supplied.`);
    } else {
      const problem = describeMismatch(field, value);
      if (problem !== undefined) problems.push(`For 'properties/${name}', ${problem}`);
    }
  }
  for (const name of Object.keys(body)) if (!Object.hasOwn(spec, name)) problems.push(`"${name}" is not a permitted key.`);
  if (problems.length > 0) throw invalidRequest(...problems);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field was just checked
  return body as BodyOf<S>;
}

function parseObject(raw: Buffer): Record<string, unknown> {
  if (raw.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(raw.toString());
  } catch {
    throw new HttpError(400, "Problems parsing JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new HttpError(400, "Body should be a JSON object");
  return { ...value };
}

function describeMismatch(field: Field, value: unknown): string | undefined {
  const shown = JSON.stringify(value);
  if (field.type === "string") {
    if (value === null && field.nullable === true) return undefined;
    if (typeof value !== "string") return `${value === null ? "nil" : shown} is not a string.`;
    return field.oneOf === undefined || field.oneOf.includes(value)
      ? undefined
      : `${shown} is not a member of ${JSON.stringify(field.oneOf)}.`;
  }
  if (field.type === "boolean") return typeof value === "boolean" ? undefined : `${shown} is not a boolean.`;
  if (field.type === "integer") return Number.isSafeInteger(value) ? undefined : `${shown} is not an integer.`;
  if (field.type === "levels") {
    const fits =
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((level) => typeof level === "string");
    return fits ? undefined : `${shown} is not an object.`;
  }
  if (!Array.isArray(value)) return `${shown} is not an array.`;
  const wanted = field.type === "integers" ? Number.isSafeInteger : (item: unknown) => typeof item === "string";
  return value.every((item) => wanted(item)) ? undefined : `${shown} holds an item of another type.`;
}
