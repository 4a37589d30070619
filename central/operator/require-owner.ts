import { Code } from "@connectrpc/connect";
import type { Pool } from "pg";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { Actor } from "./actor.ts";
import { hasOwner } from "./sql/has-owner.ts";

/**
 * The GitHub App sees the repositories of every tenant. Whoever is bound to one environment reaches those of the owners that an unbound token brought
 * there, and none of another tenant's.
 */
export async function requireOwner(pool: Pool, actor: Actor, owner: string): Promise<void> {
  if (actor.environment === undefined || (await hasOwner(pool, actor.environment, owner))) return;
  const message = `the environment ${actor.environment} has no repository of ${owner} yet: a token that is bound to no environment adds the first one`;
  throw reasonError(Code.PermissionDenied, "owner_not_in_environment", message);
}
