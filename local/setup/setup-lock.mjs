import { mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isSameProcess, readProcessStart } from "./process-start.mjs";

/**
 * Lets one set-up at a time change node_modules; another one waits for it. A lock that a killed set-up left is taken over.
 *
 * @param {string} root
 * @returns {Promise<() => Promise<void>>} releases it
 */
export async function holdSetupLock(root) {
  const file = path.join(root, ".catapult/setup.lock");
  await mkdir(path.dirname(file), { recursive: true });
  for (let said = false; ;) {
    const handle = await open(file, "wx").catch(() => undefined);
    if (handle) {
      await handle.writeFile(`${process.pid} ${await readProcessStart(process.pid)}`);
      await handle.close();
      return () => rm(file, { force: true });
    }
    const [pid = "", start = ""] = (await readFile(file, "utf8").catch(() => "")).split(" ");
    // An empty file is one whose writer is just between its two steps, or was killed there: it is given a moment.
    if (pid === "") await sleep(1000);
    const now = (await readFile(file, "utf8").catch(() => "")).split(" ");
    if (now[0] === pid && !(await isSameProcess(Number(pid), start))) await rm(file, { force: true });
    else {
      if (!said) process.stdout.write(`… waiting for the set-up with pid ${pid}\n`);
      said = true;
      await sleep(500);
    }
  }
}
