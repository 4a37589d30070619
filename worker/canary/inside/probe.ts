// Runs as a build does, does what a hostile one would, and tells what came of it. What it says is judged outside.
import { lookAtLimits, lookAtMounts, lookAtProcess, tryToWrite } from "./look-around.ts";
import { tell } from "./tell.ts";
import { tryCalls } from "./try-calls.ts";
import { tryFiles, tryMemory, tryProcesses } from "./try-limits.ts";
import { tryNetwork } from "./try-network.ts";

for (const [during, work] of Object.entries({
  lookAtProcess,
  tryToWrite,
  lookAtMounts,
  lookAtLimits,
  tryCalls,
  tryNetwork,
  tryFiles,
  tryProcesses,
  tryMemory,
}))
  try {
    await work();
  } catch (error) {
    tell({ kind: "error", during, said: String(error).slice(0, 500) });
  }
tell({ kind: "done" });
process.exit(0);
