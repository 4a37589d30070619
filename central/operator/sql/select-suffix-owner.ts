import type { ClientBase, Pool } from "pg";

/** Any number that nothing else locks. */
const lockKey = 6_270_314;

/** Lets one transaction at a time decide which environment has which suffixes: no constraint of PostgreSQL compares the texts in lists. */
export async function lockSuffixes(client: ClientBase): Promise<void> {
  await client.query("select pg_advisory_xact_lock($1)", [lockKey]);
}

/** The first of the suffixes that another environment than `name` has; undefined: none. */
export async function selectTakenSuffix(
  client: ClientBase,
  suffixes: readonly string[],
  name: string,
): Promise<{ suffix: string; environment: string } | undefined> {
  const { rows } = await client.query<{ suffix: string; environment: string }>(
    `select s.suffix, e.name as environment from environments e, unnest(e.domain_suffixes) s (suffix)
     where e.name <> $2 and s.suffix = any ($1::text[]) order by array_position($1::text[], s.suffix) limit 1`,
    [suffixes, name],
  );
  return rows[0];
}

/** Another environment than `name` with a longer suffix of the host than any of `name`'s: the host is one of its zone. undefined: none. */
export async function selectNarrowerEnvironment(
  client: ClientBase | Pool,
  host: string,
  name: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `with fitting as (
       select e.name, length(s.suffix) as length from environments e, unnest(e.domain_suffixes) s (suffix)
       where $1 = s.suffix or right($1, length(s.suffix) + 1) = '.' || s.suffix)
     select name from fitting
     where name <> $2 and length > coalesce((select max(length) from fitting where name = $2), 0) order by length desc limit 1`,
    [host, name],
  );
  return rows[0]?.name;
}
