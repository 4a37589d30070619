import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseInteger, parseListen, parsePath, parseText } from "#common/config/parse.ts";
import { type Checks, ConfigError, describeConfig, optional, readConfig, variable } from "#common/config/read-config.ts";

const directory = mkdtempSync(join(tmpdir(), "catapult-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

const spec = {
  url: variable("APP_URL", parseText, { help: "where it is" }),
  slots: variable("SLOTS", parseInteger({ min: 1, max: 8 }), { help: "how many", default: "2" }),
  listen: optional("LISTEN", parseListen, { help: "where it listens" }),
  certFile: optional("TLS_CERT_FILE", parsePath, { help: "the certificate" }),
};

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function problemsOf(env: NodeJS.ProcessEnv, checks?: Checks<typeof spec>): readonly { variable: string; problem: string }[] {
  try {
    readConfig(env, spec, checks);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("readConfig", () => {
  it("reads what is set, defaults and what may be missing; empty counts as missing", () => {
    expect(readConfig({ APP_URL: "x", LISTEN: "" }, spec)).toEqual({
      url: "x",
      slots: 2,
      listen: undefined,
      certFile: undefined,
    });
    expect(readConfig({ APP_URL: "x", SLOTS: "3", LISTEN: "127.0.0.1:0" }, spec)).toMatchObject({
      slots: 3,
      listen: { host: "127.0.0.1", port: 0 },
    });
  });

  it("names every bad variable at once, and quotes no value", () => {
    const env = { SLOTS: "hunter2", LISTEN: "hunter2", TLS_CERT_FILE: join(directory, "missing") };
    expect(problemsOf(env).map(({ variable: name }) => name)).toEqual(["APP_URL", "SLOTS", "LISTEN", "TLS_CERT_FILE"]);
    expect(() => readConfig(env, spec)).toThrow(
      /4 problems[^]*APP_URL: is not set[^]*SLOTS: expected a whole number from 1 to 8/,
    );
    expect(JSON.stringify(problemsOf(env))).not.toContain("hunter2");
  });

  it("names what is wrong between variables together with what is wrong with single ones", () => {
    const seen: unknown[] = [];
    const checks: Checks<typeof spec> = (values, isGiven) => {
      seen.push(values, [isGiven("url"), isGiven("slots"), isGiven("listen"), isGiven("certFile")]);
      return [{ variable: "LISTEN", problem: "does not go with TLS_CERT_FILE" }];
    };
    const env = { SLOTS: "9", LISTEN: ":1", TLS_CERT_FILE: join(directory, "missing") };
    const named = problemsOf(env, checks).map(({ variable: name }) => name);
    expect(named).toEqual(["APP_URL", "SLOTS", "TLS_CERT_FILE", "LISTEN"]);
    expect(seen).toEqual([{ listen: { host: "::", port: 1 } }, [false, true, true, true]]);
    expect(problemsOf({ APP_URL: "x" }, checks)).toMatchObject([{ variable: "LISTEN" }]);
    expect(readConfig({ APP_URL: "x" }, spec, () => [])).toMatchObject({ url: "x" });
  });

  it("takes any value from the file that NAME_FILE names, without its last newline", () => {
    expect(readConfig({ APP_URL_FILE: file("url", "https://x\n") }, spec).url).toBe("https://x");
    expect(problemsOf({ APP_URL_FILE: file("empty", "\n") })).toMatchObject([{ variable: "APP_URL" }]);
    expect(problemsOf({ APP_URL_FILE: directory })).toMatchObject([{ variable: "APP_URL" }]);
    expect(problemsOf({ APP_URL: "x", APP_URL_FILE: file("both", "y") })[0]?.problem).toMatch(/set twice/);
  });

  it("takes a name that ends in _FILE as a path, and checks that it can be read", () => {
    const certFile = file("cert.pem", "PEM");
    expect(readConfig({ APP_URL: "x", TLS_CERT_FILE: certFile }, spec).certFile).toBe(certFile);
    expect(problemsOf({ APP_URL: "x", TLS_CERT_FILE: join(directory, "missing") })[0]?.problem).toMatch(/missing.*ENOENT/);
    expect(problemsOf({ APP_URL: "x", TLS_CERT_FILE: directory })[0]?.problem).toMatch(/not a file/);
  });

  it("is described for --help", () => {
    expect(describeConfig(spec)).toEqual([
      { name: "APP_URL", help: "where it is", required: true },
      { name: "SLOTS", help: "how many", default: "2", required: false },
      { name: "LISTEN", help: "where it listens", required: false },
      { name: "TLS_CERT_FILE", help: "the certificate", required: false },
    ]);
  });
});
