import { DatabaseError } from "pg";

/** The name of the unique constraint or index that a statement violated; undefined for any other error. */
export function violatedUnique(error: unknown): string | undefined {
  return error instanceof DatabaseError && error.code === "23505" ? error.constraint : undefined;
}
