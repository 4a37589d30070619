import type { Actor } from "./actor.ts";
import type { HostOwner } from "./sql/select-host-owner.ts";

/** What a refusal calls whoever has a host: by name only for those who may see its environment. */
export function nameHostOwner(owner: HostOwner, actor: Actor): string {
  const isSeen = actor.environment === undefined || actor.environment === owner.environment;
  return isSeen ? owner.repository : "another repository";
}
