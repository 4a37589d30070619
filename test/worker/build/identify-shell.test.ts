import { expect, test } from "vitest";
import { identifyShell } from "#worker/build/identify-shell.ts";
import type { TreeEntry } from "#worker/clone/read-tree.ts";

const file = (name: string, id = "1"): TreeEntry => ({ name, kind: "file", id, size: 1 });
const base = [file("flake.nix"), file("flake.lock"), file("shell.nix"), file("index.html")];

test("without a flake there is nothing to identify, whatever else of Nix there is", () => {
  expect(identifyShell([[file("shell.nix"), file("flake.lock")], []])).toBe("");
  expect(identifyShell([[{ ...file("flake.nix"), kind: "link" }]])).toBe("");
});

test("it changes with the flake, its lock and other Nix files, in the site's folder and at the top, and with nothing else", () => {
  const known = identifyShell([base, base]);
  expect(known).toMatch(/^[0-9a-f]{40}$/);
  expect(identifyShell([base.with(3, file("index.html", "2")), base])).toBe(known);
  for (const index of [0, 1, 2]) {
    const changed = base.with(index, file(base[index]!.name, "2"));
    expect(identifyShell([changed, base])).not.toBe(known);
    expect(identifyShell([base, changed])).not.toBe(known);
  }
  expect(identifyShell([[...base, { ...file("nix"), kind: "folder" }], base])).not.toBe(known);
});
