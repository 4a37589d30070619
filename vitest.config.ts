import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fixtures/**", "**/node_modules/**"],
    globalSetup: ["test/support/global-setup.ts"],
    // Processes, not threads: tests start servers, change signals' handlers and read process.env.
    pool: "forks",
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
