import { describe, expect, it } from "vitest";
import { createSigningKey, formatWorkerKeyFile, parseWorkerKeyFile } from "#common/rpc/keys.ts";

const file = {
  worker: "alpha",
  sign: createSigningKey("alpha-w1"),
  verify: [createSigningKey("alpha-c1"), createSigningKey("alpha-c2")],
};
const text = formatWorkerKeyFile(file);
const key = file.sign.key.toString("base64url");

describe("a worker's key file", () => {
  it("comes back as it was written", () => {
    expect(parseWorkerKeyFile(text)).toEqual(file);
    expect(file.sign.key).toHaveLength(32);
  });

  it.each<[string, string]>([
    ["no JSON", text.slice(1)],
    ["an array", "[]"],
    ["an unknown member", text.replace("{", '{"extra":1,')],
    ["a worker with capitals", text.replace('"alpha"', '"Alpha"')],
    ["no keys to verify by", text.replace(/"verify":\[.*\]/, '"verify":[]')],
    ["a kid twice", text.replace("alpha-c2", "alpha-c1")],
    ["a kid with a dot", text.replace("alpha-w1", "alpha.w1")],
    ["a key of 31 bytes", text.replace(key, Buffer.alloc(31).toString("base64url"))],
    ["a key of 33 bytes", text.replace(key, Buffer.alloc(33).toString("base64url"))],
    ["a key with padding", text.replace(key, `${key}=`)],
    ["a key with a stray character", text.replace(key, `${key.slice(0, 20)}!${key.slice(20)}`)],
  ])("is refused with %s, by a message without keys", (_what, json) => {
    const parse = (): unknown => parseWorkerKeyFile(json);
    expect(parse).toThrow(/worker key file is malformed/);
    for (const secret of [key, file.verify[0]!.key.toString("base64url")]) {
      expect(parse).not.toThrow(new RegExp(secret.slice(0, 16)));
    }
  });

  it("takes no kid that a header could not carry", () => {
    expect(() => createSigningKey("Not A Kid")).toThrow(/key id/);
  });
});
