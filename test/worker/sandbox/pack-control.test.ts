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
