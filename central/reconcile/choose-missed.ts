import type { HookDelivery } from "#central/github/hook-deliveries.ts";

/** Refused for what they are: not our form, not JSON, too large. The same body would be refused again. */
const refusedForGood = new Set([400, 405, 413, 415]);

/**
 * Of the attempts that GitHub lists (newest first) those to ask for again, oldest first: one for each GUID that is not stored and was not
 * refused for good. A GUID that GitHub was answered 2xx for and that is not stored was lost with a database.
 */
export function chooseMissed(listed: readonly HookDelivery[], missing: ReadonlySet<string>): HookDelivery[] {
  const newest = new Map<string, HookDelivery>();
  for (const delivery of listed) if (!newest.has(delivery.guid)) newest.set(delivery.guid, delivery);
  return [...newest.values()].filter(({ guid, statusCode }) => missing.has(guid) && !refusedForGood.has(statusCode)).toReversed();
}
