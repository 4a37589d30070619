import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openSecret, SealError, sealSecret } from "#central/database/seal.ts";

const key = randomBytes(32);
const plain = randomBytes(32);

test("what was sealed is opened by the same key, and no two seals are alike", () => {
  const sealed = sealSecret(key, plain);
  expect(openSecret(key, sealed)).toEqual(plain);
  expect(sealSecret(key, plain)).not.toEqual(sealed);
  expect(sealed.includes(plain)).toBe(false);
});

test("another key, a changed byte and a cut end are refused", () => {
  const sealed = sealSecret(key, plain);
  expect(() => openSecret(randomBytes(32), sealed)).toThrow(SealError);
  for (const index of [0, 12, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => openSecret(key, changed)).toThrow(SealError);
  }
  expect(() => openSecret(key, sealed.subarray(0, 20))).toThrow(SealError);
});
