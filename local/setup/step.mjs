/** What a person can put right; the message says how. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}

/**
 * Runs one step and prints its name, what it came to and its time. A step that found everything in place prints nothing: the second run is quiet.
 *
 * @param {string} name
 * @param {() => Promise<string | undefined>} work answers what was done, or undefined for nothing
 */
export async function runStep(name, work) {
  const start = performance.now();
  const done = await work();
  if (done !== undefined) process.stdout.write(`✓ ${name}: ${done} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
}
