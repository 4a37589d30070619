import { describe, expect, it } from "vitest";
import {
  parseBytes,
  parseChoice,
  parseDuration,
  parseInteger,
  parseList,
  parseListen,
  parsePath,
  parseReadableFile,
  parseText,
  parseUrl,
} from "#common/config/parse.ts";

const choice = parseChoice(["on", "off"]);
const slots = parseInteger({ min: 0, max: 9 });

describe("a value is parsed", () => {
  it.each<[(value: string) => unknown, string, unknown]>([
    [parseText, " x ", " x "],
    [parseUrl, "https://api.github.com", "https://api.github.com"],
    [parseUrl, "https://ghe.example/api/v3/", "https://ghe.example/api/v3"],
    [parseUrl, "http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    [parseListen, "127.0.0.1:8443", { host: "127.0.0.1", port: 8443 }],
    [parseListen, "[::1]:0", { host: "::1", port: 0 }],
    [parseListen, ":80", { host: "::", port: 80 }],
    [slots, "0", 0],
    [slots, "9", 9],
    [parseInteger(), "-12", -12],
    [parseBytes, "1", 1],
    [parseBytes, "512m", 536_870_912],
    [parseBytes, "4G", 4_294_967_296],
    [parseBytes, "2GiB", 2_147_483_648],
    [parseDuration, "500ms", 500],
    [parseDuration, "10m", 600_000],
    [parseDuration, "2h", 7_200_000],
    [parseList, "a, b,c", ["a", "b", "c"]],
    [choice, "off", "off"],
    [parsePath, "/var//www/../sites", "/var/sites"],
  ])("%o takes %j", (parse, value, expected) => {
    expect(parse(value)).toEqual(expected);
  });

  it.each<[(value: string) => unknown, string[]]>([
    [parseText, ["", "  "]],
    [parseUrl, ["x", "ftp://x", "https://u:p@x", "https://x?a=1", "https://x#f", "//x"]],
    [parseListen, ["8443", "x:65536", "x:", "::1:80", "x:1:2", "x:-1", "http://x:1", "x:99999999"]],
    [slots, ["-1", "10", "", "1.5", "1e0", "NaN", "0x1", " 1", "99999999999999999999"]],
    [parseBytes, ["", "0", "-1", "1e99", "NaN", "4x", "1.5g", "999999999999t", "g", "k1"]],
    [parseDuration, ["", "0s", "10", "-1s", "1.5h", "Infinity", "25d", "9999999999d"]],
    [parseList, ["", "a,,b", ",a"]],
    [choice, ["", "ON", "of", "constructor"]],
    [parsePath, ["x", "./x", "", "/a\0b"]],
    [parseReadableFile, ["/nonexistent/file", "/"]],
  ])("%o refuses %j", (parse, values) => {
    for (const value of values) expect(() => parse(value)).toThrow(/^expected /);
  });
});
