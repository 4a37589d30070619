import { errorMessage } from "#common/error-details.ts";
import type { Holder } from "./create-holder.ts";
import { execInside } from "./exec-inside.ts";
import { HolderError } from "./start-holder.ts";

/** Asks the kernel, inside the holder, whether the rules are those that were loaded. A holder that does not run cannot be asked. */
export async function proveHolder(holder: Holder): Promise<void> {
  let found: string;
  try {
    found = await execInside(holder.container, ["nft", "--stateless", "--terse", "list", "ruleset"], 512 * 1024);
  } catch (cause) {
    throw new HolderError(`The rules of the build's network could not be read back: ${errorMessage(cause)}`, { cause });
  }
  if (found.trim() !== holder.rules.trim())
    throw new HolderError(
      `The rules of the build's network are not the ones that were loaded; the kernel lists: ${found.slice(0, 2000)}`,
    );
}
