import { isCommit } from "#central/decision/is-commit.ts";

/** A JSON object of a delivery, of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

export class MalformedDelivery extends Error {
  override name = "MalformedDelivery";
}

export function readFields(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new MalformedDelivery(`${name} is not an object`);
  return Object.fromEntries(Object.entries(value));
}

export function readText(value: unknown, name: string): string {
  if (typeof value !== "string") throw new MalformedDelivery(`${name} is not text`);
  return value;
}

export class UnsafeIntegerError extends Error {
  override name = "UnsafeIntegerError";
}

export function readId(value: unknown, name: string): bigint {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) throw new UnsafeIntegerError(name);
  const id = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)) ? BigInt(value) : 0n;
  if (id <= 0n || id >= 2n ** 63n) throw new MalformedDelivery(`${name} is not an id`);
  return id;
}

export function readCommit(value: unknown, name: string): string {
  if (typeof value !== "string" || !isCommit(value)) throw new MalformedDelivery(`${name} is not a commit`);
  return value;
}

export function toBigInt(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
}
