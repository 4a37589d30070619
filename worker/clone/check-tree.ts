import { CloneError } from "#worker/clone/clone-error.ts";
import { startGit, type GitCall } from "#worker/clone/run-git.ts";

/** Files and folders of one commit: Chromium has less than twice as many, and a dozen small trees can stand for 10^12. */
export const defaultMaxEntries = 250_000;
/** Linux opens no longer path. */
const maxPathBytes = 4_096;

/**
 * Counts what a tree holds, all folders unfolded, before anything walks it for real: the number of entries is no matter of a pack's size,
 * as one tree may stand in another many times. Nothing of it is kept in memory.
 */
export async function checkTree(call: Omit<GitCall, "args">, tree: string, maxEntries = defaultMaxEntries): Promise<void> {
  const tooMuch = new AbortController();
  const refuse = (reason: string, message: string): void => tooMuch.abort(new CloneError(reason, message));
  const { child, done } = startGit({
    ...call,
    args: ["ls-tree", "-r", "-t", "-z", "--full-tree", "--name-only", tree],
    signal: AbortSignal.any([call.signal, tooMuch.signal]),
  });
  let entries = 0;
  let pathBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      const end = chunk.indexOf(0, at);
      pathBytes += (end < 0 ? chunk.length : end) - at;
      if (pathBytes > maxPathBytes)
        refuse(
          "repository_malformed",
          `the commit has a path longer than the limit of ${maxPathBytes} bytes: at least ${pathBytes}`,
        );
      if (end < 0) return;
      if (++entries > maxEntries)
        refuse(
          "repository_too_large",
          `the commit has more files and folders than its limit of ${maxEntries}: at least ${entries}`,
        );
      pathBytes = 0;
      at = end + 1;
    }
  });
  await done;
}
