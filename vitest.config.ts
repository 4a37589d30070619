import path from "node:path";
import { defineConfig } from "vitest/config";

// For the daemons and commands that tests start, some hundreds: with what Node compiled before, each takes 0.5 s of a core instead of 0.9.
process.env["NODE_COMPILE_CACHE"] ??= path.join(import.meta.dirname, ".catapult/test/compile-cache");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fixtures/**", "**/node_modules/**"],
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: tests start servers, change signals' handlers and read process.env.
    pool: "forks",
    // A third made nothing faster on two cores, and daemons slow to answer.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    allowOnly: false,
    // `.ci/run` counts from a file what the run printed for people.
    reporters: process.env["VITEST_RESULT_FILE"] ? ["default", "json"] : ["default"],
    ...(process.env["VITEST_RESULT_FILE"] ? { outputFile: { json: process.env["VITEST_RESULT_FILE"] } } : {}),
  },
});
