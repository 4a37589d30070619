import { createLogger } from "#common/logger.ts";

/** Silent, unless a person looks for something. */
export const log = createLogger({ name: "test", level: process.env["TEST_LOG"] ?? "silent" });
