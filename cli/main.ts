import { createProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

// A reader that goes away, as in `catapult configs list | head -1`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  const words = process.argv.slice(2);
  const program = await createProgram(words);
  await program.parseAsync(words, { from: "user" });
} catch (error) {
  process.exitCode = reportError(error, process.stderr);
}
