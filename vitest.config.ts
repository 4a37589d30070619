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
// Each starts a Central and stops it, and leaves nothing in the process. To load one takes a second of a core, once for all.
const central = "test/central/**/*.test.ts";

/** On two cores: a file waits for a quarter of its time. */
const maxWorkers = 3;

/** What the projects share. The set-up of a run is the root's alone: a project that extends the root would run it once more. */
const project = (test: NonNullable<TestProjectInlineConfiguration["test"]>): TestProjectInlineConfiguration => ({
  test: {
    // Processes, not threads: tests start servers, change signals' handlers and read process.env.
    pool: "forks",
    maxWorkers,
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
      project({ name: "central", isolate: false, include: [central], exclude: [...exclude, ...pure] }),
      project({ name: "process", include: ["test/**/*.test.ts"], exclude: [...exclude, ...pure, central] }),
    ],
    sequence: { sequencer: FileSequencer },
    maxWorkers,
    passWithNoTests: false,
    // `.ci/run` counts from a file what the run printed for people.
    reporters: process.env["VITEST_RESULT_FILE"] ? ["default", "json"] : ["default"],
    ...(process.env["VITEST_RESULT_FILE"] ? { outputFile: { json: process.env["VITEST_RESULT_FILE"] } } : {}),
  },
});
