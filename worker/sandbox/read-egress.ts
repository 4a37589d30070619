import type Dockerode from "dockerode";
import { parseEgress, type Egress } from "./parse-egress.ts";
import { execInside } from "./exec-inside.ts";

/** All that 1024 destinations and the rules can take, several times over. */
const listingLimit = 2 * 2 ** 20;

/** Reads from the holder's rules where the build's packets went. Undefined: it could not be told; a holder that ended takes its count along. */
export async function readEgress(holder: Dockerode.Container): Promise<Egress[] | undefined> {
  try {
    return parseEgress(await execInside(holder, ["nft", "--json", "list", "table", "inet", "catapult"], listingLimit));
  } catch {
    return undefined;
  }
}
