import { access } from "node:fs/promises";
import { errorMessage } from "#common/error-details.ts";
import { hostTable, renderHostRules } from "./render-host-rules.ts";
import { NftError, runNft } from "./run-nft.ts";

export type HostLayer = {
  /** Loads the rules where they are not in force. Never fails: it is a second layer, and `look` says why it is not there. */
  ensure(): Promise<void>;
  /** Tells which bridge a network was just made with: the rules act only if it is in this network namespace. */
  observe(bridge: string): Promise<void>;
  /** Looks at what is in force now. `lost`: it was loaded once, and is not any more. `reason` says what is in the way, else it is ''. */
  look(): Promise<{ inForce: boolean; lost: boolean; reason: string }>;
  /** Removes the rules, at an orderly stop. */
  remove(): Promise<void>;
};

/**
 * A second layer beside the rules of each build's network: one nftables table on Podman's host, of this worker's own, that no other
 * program's rules depend on. It is there where this process has the right (CAP_NET_ADMIN, in the namespace of Podman's bridges) and
 * fails open, for instance when somebody flushes all tables, which is why it is the second layer and not the first.
 */
export function createHostLayer(o: {
  networkName: string;
  dns: readonly string[];
  /** What nft is run by, if not by itself. */
  nft?: readonly [string, ...string[]];
  log: (message: string, details: Record<string, unknown>) => void;
}): HostLayer {
  const table = hostTable(o.networkName);
  const list = async (): Promise<string> => runNft(["--stateless", "list", "table", "inet", table], "", o.nft);
  let loaded: string | undefined;
  let wasLoaded = false;
  let refusal = "it has not been tried yet";
  let bridgeSeen: boolean | undefined;
  let said: string | undefined;

  const say = (message: string, reason: string): void => {
    if (said !== message + reason) o.log(message, { table, ...(reason === "" ? {} : { reason }) });
    said = message + reason;
  };
  const isLoaded = async (): Promise<boolean> => {
    if (loaded === undefined) return false;
    try {
      return (await list()) === loaded;
    } catch {
      return false;
    }
  };
  const look: HostLayer["look"] = async () => {
    if (!(await isLoaded()))
      return { inForce: false, lost: wasLoaded, reason: loaded === undefined ? refusal : "its table was changed or removed" };
    if (bridgeSeen === undefined) return { inForce: false, lost: false, reason: "no build's network has been made yet" };
    if (!bridgeSeen)
      return { inForce: false, lost: false, reason: "the builds' bridges are in another network namespace than this worker" };
    return { inForce: true, lost: false, reason: "" };
  };

  return {
    async ensure() {
      if (await isLoaded()) return;
      try {
        await runNft(["-f", "-"], renderHostRules(o), o.nft);
        loaded = await list();
        wasLoaded = true;
      } catch (error) {
        loaded = undefined;
        refusal = error instanceof NftError ? error.reason : errorMessage(error);
        say("no second layer of network rules on the host; the rules of each build's network stand alone", refusal);
      }
    },
    async observe(bridge) {
      bridgeSeen = await access(`/sys/class/net/${bridge}`).then(
        () => true,
        () => false,
      );
      const { inForce, reason } = await look();
      if (inForce) say("a second layer of network rules is in force on the host", "");
      else say("no second layer of network rules on the host; the rules of each build's network stand alone", reason);
    },
    look,
    async remove() {
      if (loaded === undefined) return;
      loaded = undefined;
      wasLoaded = false;
      refusal = "it was removed";
      // Made first, so that removing what somebody else has removed is no error.
      await runNft(["-f", "-"], `table inet ${table}\ndelete table inet ${table}\n`, o.nft);
    },
  };
}
