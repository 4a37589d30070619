import { readFile } from "node:fs/promises";
import path from "node:path";
import { isSameProcess } from "./process-start.mjs";

/**
 * The pid of the `catapult up` that runs from this folder; undefined: none.
 *
 * @param {string} root
 * @returns {Promise<number | undefined>}
 */
export async function findRunningInstance(root) {
  const text = await readFile(path.join(root, ".catapult/up.lock"), "utf8").catch(() => "");
  const [pid = "", start = ""] = text.trim().split(" ");
  return (await isSameProcess(Number(pid), start)) ? Number(pid) : undefined;
}
