import { open, rm } from "node:fs/promises";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { UsageError } from "../errors.ts";

/** A new file that only its owner may read, empty until it is written. One that is there is never overwritten. */
export async function reserveSecretFile(path: string): Promise<{ write(text: string): Promise<void>; discard(): Promise<void> }> {
  const handle = await open(path, "wx", 0o600).catch((error: unknown) => {
    const problem = errorCode(error) === "EEXIST" ? "it is there already and is not overwritten" : errorMessage(error);
    throw new UsageError(`--key-file: ${path} cannot be made: ${problem}`, { cause: error });
  });
  let written = false;
  return {
    async write(text) {
      await handle.writeFile(text);
      await handle.sync();
      await handle.close();
      written = true;
    },
    async discard() {
      if (written) return;
      await handle.close().catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}
