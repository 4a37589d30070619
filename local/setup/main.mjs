// What `npm start`, `npm test` and `npm run check` need, made ready on a fresh clone. It runs before anything is installed, on whatever
// Node the machine has (18 or later): plain JavaScript, no packages. `--packages-only` leaves the system alone.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installNpmPackages } from "./npm-packages.mjs";
import { findNode } from "./find-node.mjs";
import { runStep, SetupError } from "./step.mjs";
import { installSystemPackages } from "./system-packages.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

try {
  await runStep("npm packages", () => installNpmPackages(root));
  await runStep("Node 24", () => findNode(root));
  if (!process.argv.includes("--packages-only")) await runStep("system packages", () => installSystemPackages());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
