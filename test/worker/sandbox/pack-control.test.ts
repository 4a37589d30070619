import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { ControlError, packRequest } from "#worker/sandbox/pack-control.ts";
import { readFiles } from "./harness.ts";

const run = { rootDir: "", command: "true", outputDir: "dist", devshell: "vite" as const, environment: {} };

test("words keep everything that is not NUL", async () => {
  const files = await readFiles(packRequest({ ...run, command: "echo 'a\nb' \"$c\"", environment: { A: "x=y\nz", B: "" } }));
  expect(files).toEqual({ "run/request": "\0echo 'a\nb' \"$c\"\0dist\0vite\0", "run/environment": "A=x=y\nz\0B=\0" });
});

test("a NUL, or a name that is none, is refused", () => {
  expect(() => packRequest({ ...run, command: "a\0b" })).toThrow(ControlError);
  for (const name of ["", "A B", "1A", "A=B", "A\n"])
    expect(() => packRequest({ ...run, environment: { [name]: "x" } })).toThrow(ControlError);
});

test("a build's secret variables go into a file of their own, for the build's user alone, and not among the environment that arguments carry", async () => {
  const withSecret = { ...run, environment: { CI: "true" }, variables: { TOKEN: "s3cr3t=\nof lines" } };
  expect(await readFiles(packRequest(withSecret))).toEqual({
    "run/request": "\0true\0dist\0vite\0",
    "run/environment": "CI=true\0",
    "run/variables": "TOKEN=s3cr3t=\nof lines\0",
  });
  const modes: Record<string, unknown> = {};
  for await (const entry of packRequest(withSecret).pipe(extract())) {
    modes[entry.header.name] = [entry.header.mode, entry.header.uid];
    entry.resume();
  }
  expect(modes["run/variables"]).toEqual([0o600, 10001]);
  expect(() => packRequest({ ...run, variables: { A: "a\0b" } })).toThrow(ControlError);
  expect(() => packRequest({ ...run, variables: { "A\n": "x" } })).toThrow(ControlError);
});
