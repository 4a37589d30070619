import { expect, test } from "vitest";
import { parseSecretKey } from "#common/config/parse-secret-key.ts";

const key = Buffer.alloc(32, 0xfb);

test("32 bytes in base64url are a secret key", () => {
  expect(parseSecretKey(key.toString("base64url"))).toEqual(key);
});

test.each([
  ["too few bytes", Buffer.alloc(31).toString("base64url")],
  ["too many bytes", Buffer.alloc(33).toString("base64url")],
  ["characters that Node skips", `${key.toString("base64url")}!*`],
  ["base64's other alphabet", key.toString("base64").replace("=", "")],
  ["padding", `${key.toString("base64url")}=`],
])("%s are refused, though some of them decode to 32 bytes", (_, text) => {
  expect(() => parseSecretKey(text)).toThrow("expected 32 bytes in base64url (43 characters)");
});
