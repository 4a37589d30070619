import { expect, test } from "vitest";
import { type FileKind, orderFiles } from "./order-files.ts";

const make = (kind: FileKind, count: number) => Array.from({ length: count }, (_, index) => ({ kind, name: `${kind} ${index}` }));

test("every file is run once, whatever there is of each kind", () => {
  for (const counts of [
    [0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0],
    [0, 0, 0, 0, 1],
    [70, 60, 20, 100, 60],
    [0, 3, 9, 1, 2],
  ]) {
    const kinds: FileKind[] = ["pure", "podman", "stack", "other", "central"];
    const files = kinds.flatMap((kind, index) => make(kind, counts[index] ?? 0));
    expect(new Set(orderFiles(files))).toEqual(new Set(files));
    expect(orderFiles(files)).toHaveLength(files.length);
  }
});

test("the image is begun at once beside files that share a process and need none, and stacks come one by one among busy files, in their order", () => {
  const kinds: FileKind[] = ["stack", "podman", "other", "central", "pure"];
  const ordered = orderFiles(kinds.flatMap((kind) => make(kind, 20)));
  expect(ordered[0]?.name).toBe("podman 19");
  expect(ordered.slice(1, 21)).toEqual(make("pure", 20));
  expect(ordered.slice(21, 41)).toEqual(make("central", 20));
  const rest = ordered.slice(41);
  expect(rest[0]?.name).toBe("stack 0");
  expect(rest.filter(({ kind }) => kind === "stack")).toEqual(make("stack", 20));
  for (let at = 1; at < rest.length; at += 1) expect([rest[at - 1]?.kind, rest[at]?.kind]).not.toEqual(["stack", "stack"]);
});
