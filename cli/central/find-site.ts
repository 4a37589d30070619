import type { CatapultClient } from "#client/create-catapult-client.ts";
import type { Site } from "#gen/catapult/v1/operator_service_pb.js";
import { expectAnswer } from "./expect-answer.ts";

/** A site as it is typed: its number, its host or its URL. */
export function nameSite(text: string): { id: bigint } | { host: string } {
  if (/^[1-9]\d{0,17}$/.test(text)) return { id: BigInt(text) };
  return { host: URL.parse(text)?.hostname || text };
}

export async function findSite(client: CatapultClient, text: string): Promise<Site> {
  const { site } = await client.getSite(nameSite(text));
  return expectAnswer(site);
}
