import { expect, test } from "vitest";
import { holdsAll } from "#local/setup/npm-packages.mjs";

const machine = { os: "linux", cpu: "x64" };
const wanted = {
  packages: {
    "": {},
    "node_modules/plain": { integrity: "sha512-a" },
    "node_modules/for-this": { integrity: "sha512-b", optional: true, os: ["linux"], cpu: ["x64"] },
    "node_modules/for-another": { integrity: "sha512-c", optional: true, os: ["darwin"], cpu: ["arm64"] },
  },
};

function installed(...names: string[]): { packages: Record<string, { integrity?: string }> } {
  return { packages: Object.fromEntries(Object.entries(wanted.packages).filter(([name]) => names.includes(name))) };
}

test("An installation without another machine's optional packages is whole.", () => {
  expect(holdsAll(wanted, installed("node_modules/plain", "node_modules/for-this"), machine)).toBe(true);
});

test("A missing package is noticed, an optional one too if it is for this machine.", () => {
  expect(holdsAll(wanted, installed("node_modules/for-this"), machine)).toBe(false);
  expect(holdsAll(wanted, installed("node_modules/plain"), machine)).toBe(false);
});

test("A package of another content is noticed.", () => {
  const other = installed("node_modules/plain", "node_modules/for-this");
  other.packages["node_modules/plain"] = { integrity: "sha512-z" };
  expect(holdsAll(wanted, other, machine)).toBe(false);
});

test("A package of another version is noticed, also where the lock file knows no content hash.", () => {
  const lock = { packages: { "node_modules/plain": { version: "1.0.1" } } };
  expect(holdsAll(lock, { packages: { "node_modules/plain": { version: "1.0.0" } } }, machine)).toBe(false);
});
