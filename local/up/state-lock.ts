import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "#common/error-details.ts";
import { isSameProcess, readProcessStart } from "../setup/process-start.mjs";

/** Another `catapult up` runs in this state folder. */
export class StateLockedError extends Error {
  override name = "StateLockedError";
}

/**
 * Makes this process the only `up` of the state folder; answers the release. The file names the process by pid and start time, so that
 * one that a killed run left is known as such even if its pid has come again. Set-up reads it too.
 */
export async function holdStateLock(stateDir: string): Promise<() => Promise<void>> {
  const file = path.join(stateDir, "up.lock");
  const own = `${file}.${process.pid}`;
  const content = `${process.pid} ${(await readProcessStart(process.pid)) ?? ""}`;
  await writeFile(own, content, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        // A link, not an exclusive open: the file is never seen without its content.
        await link(own, file);
        return async () => {
          if ((await readFile(file, "utf8").catch(() => "")) === content) await rm(file, { force: true });
        };
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
      }
      const [pid = "", start = ""] = (await readFile(file, "utf8").catch(() => "")).split(" ");
      if (await isSameProcess(Number(pid), start)) {
        throw new StateLockedError(
          `Catapult runs already in ${stateDir}, as the process ${pid}. Stop that one first (Ctrl-C there, or kill ${pid}).`,
        );
      }
      await rename(file, `${own}.stale`).catch(() => undefined);
      await rm(`${own}.stale`, { force: true });
    }
    throw new StateLockedError(`The lock ${file} could not be taken: several starts are after it at once.`);
  } finally {
    await rm(own, { force: true });
  }
}
