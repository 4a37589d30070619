import { appendFileSync } from "node:fs";
import { chmod, mkdir, realpath } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createReleasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { awaitStop } from "./await-stop.ts";
import { dropOwnValues } from "./env-file.ts";
import { createSteps } from "./print-steps.ts";
import { startEverything } from "./start-everything.ts";
import { holdStateLock } from "./state-lock.ts";

/**
 * Runs all of Catapult on this machine until it is told to stop (Ctrl-C, SIGTERM, SIGHUP), then stops it in order. Rejects when a step fails or a
 * daemon ends by itself, after everything that was started is stopped.
 */
export async function up(
  o: { repositoryRoot?: string; stateDir?: string; env?: NodeJS.ProcessEnv; out?: NodeJS.WritableStream } = {},
): Promise<void> {
  const repositoryRoot = path.resolve(o.repositoryRoot ?? path.join(import.meta.dirname, "../.."));
  const wanted = path.resolve(o.stateDir ?? path.join(repositoryRoot, ".catapult"));
  await mkdir(path.join(wanted, "log"), { recursive: true });
  await chmod(wanted, 0o700); // Keys lie there, and the sample's clone knows a token to push with.
  const stateDir = await realpath(wanted);
  const steps = createSteps(o.out ?? process.stdout);
  const releaseLock = await holdStateLock(stateDir);
  const logTo = (name: string) => (line: string) =>
    appendFileSync(path.join(stateDir, "log", `${name}.log`), `${line.trimEnd()}\n`);
  const releasers = createReleasers(createLogger({ name: "up", destination: { write: logTo("up") } }));
  releasers.push("state lock", releaseLock);

  const emergencies: (() => void)[] = [];
  const stop = awaitStop({
    onSecond() {
      for (const end of emergencies) {
        try {
          end();
        } catch {
          // It has ended already; the others are still to be.
        }
      }
      process.exit(130);
    },
  });
  const failure = Promise.withResolvers<Error>();
  try {
    const env = await dropOwnValues(o.env ?? process.env, path.join(stateDir, "env"));
    const { signal } = stop;
    const started = startEverything({
      repositoryRoot,
      stateDir,
      env,
      steps,
      logTo,
      releasers,
      emergencies,
      fail: failure.resolve,
      signal,
    });
    const ended = Promise.race([failure.promise, stop.asked]);
    const outcome = await Promise.race([started.then(async () => ended), ended]);
    steps.print(
      outcome === undefined
        ? "\nStopping; press Ctrl-C again to end at once."
        : "\nA part of Catapult ended by itself; stopping the others.",
    );
    // A start that was cut short ends its step first (the image's build takes a minute, unless the terminal's Ctrl-C reached its programs too),
    // so that nothing goes on behind the releases below.
    await Promise.race([started.catch(() => undefined), sleep(120_000, undefined, { ref: false })]);
    await releasers.runAll();
    if (outcome !== undefined) throw outcome;
    steps.print("Stopped.");
  } finally {
    await releasers.runAll();
    stop.release();
  }
}
