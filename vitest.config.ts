import { globSync } from "node:fs";
import path from "node:path";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { FileSequencer } from "./test/support/file-sequencer.ts";
import { isPure } from "./test/support/is-pure.ts";

// For the daemons and commands that tests start, some hundreds: with what Node compiled before, each takes 0.5 s of a core instead of 0.9.
process.env["NODE_COMPILE_CACHE"] ??= path.join(import.meta.dirname, ".catapult/test/compile-cache");

const exclude = ["test/fixtures/**", "**/node_modules/**"];
const pure = globSync("test/**/*.test.ts", { cwd: import.meta.dirname, exclude }).filter((file) =>
  isPure(path.join(import.meta.dirname, file)),
);

/** What both projects share. The set-up of a run is the root's alone: a project that extends the root would run it once more. */
const project = (test: NonNullable<TestProjectInlineConfiguration["test"]>): TestProjectInlineConfiguration => ({
  test: {
    // Processes, not threads: tests start servers, change signals' handlers and read process.env.
    pool: "forks",
    // A third made nothing faster on two cores, and daemons slow to answer.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    ...test,
  },
});

export default defineConfig({
  test: {
    globalSetup: ["test/support/global-setup.ts"],
    projects: [
      project({ name: "pure", isolate: false, include: pure, exclude }),
      project({ name: "process", include: ["test/**/*.test.ts"], exclude: [...exclude, ...pure] }),
    ],
    sequence: { sequencer: FileSequencer },
    maxWorkers: 2,
    passWithNoTests: false,
    // `.ci/run` counts from a file what the run printed for people.
    reporters: process.env["VITEST_RESULT_FILE"] ? ["default", "json"] : ["default"],
    ...(process.env["VITEST_RESULT_FILE"] ? { outputFile: { json: process.env["VITEST_RESULT_FILE"] } } : {}),
  },
});
