import { describe, expect, it } from "vitest";
import { maskSecrets } from "#common/logger.ts";
import { createLogCollector } from "./rpc/log-collector.ts";

const secret = "s3cret-Value_0123456789";

describe("the logger", () => {
  it.each([
    { token: secret },
    { config: { password: secret } },
    { request: { headers: { authorization: `token ${secret}` } } },
    { request: { headers: { "x-central-signature": secret } } },
    { a: { b: { c: { privateKey: secret } } } },
    { sign: { kid: "a", key: secret } },
    { a: { b: { c: { d: { e: { f: { Authorization: secret } } } } } } },
    { key: { type: "Buffer", data: [1, 2, secret] }, after: 1 },
    { secret: [secret, "a"], after: [1] },
    { token: `"},{ \\" ${secret}` },
  ])("redacts by name at any depth: %j", (fields) => {
    const { log, text, lines } = createLogCollector();
    log.info(fields, "something");
    expect(lines()).toMatchObject([{ msg: "something" }]);
    expect(text()).toContain("[redacted]");
    expect(text()).not.toContain(secret);
  });

  it("redacts what errors carry along", () => {
    const { log, text } = createLogCollector();
    const cause = new Error(`clone of https://x-access-token:${secret}@github.com/o/r failed`);
    log.error(
      { err: Object.assign(new Error("outer", { cause }), { request: { headers: { authorization: secret } } }) },
      "failed",
    );
    expect(text()).toContain("outer");
    expect(text()).toContain("github.com/o/r failed");
    expect(text()).not.toContain(secret);
  });

  it.each<[string, string]>([
    [`Authorization: Bearer ${secret}`, "Authorization: Bearer [masked]"],
    ["used ghs_16C7e42F292c6912E7710c838347Ae178B4a here", "used ghs_[masked] here"],
    ["cat_AAAABBBBCCCC", "cat_[masked]"],
    [`v1;kid=a;sig=${"ab".repeat(32)}`, "v1;kid=a;sig=[masked]"],
    ["postgres://catapult:pass@127.0.0.1:5432/catapult", "postgres://catapult:[masked]@127.0.0.1:5432/catapult"],
    [String.raw`-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- end`, "[masked private key] end"],
  ])("masks %s inside texts", (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
  });

  it("leaves ordinary lines alone and writes one JSON object for each", () => {
    const { log, lines } = createLogCollector();
    log.child({ site: "7" }).warn({ path: "/var/www/sites/7", url: "https://pr-1-blog.example.org:8081/a" }, "kept");
    expect(lines()).toEqual([
      {
        level: "warn",
        name: "test",
        pid: process.pid,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        site: "7",
        path: "/var/www/sites/7",
        url: "https://pr-1-blog.example.org:8081/a",
        msg: "kept",
      },
    ]);
  });
});
