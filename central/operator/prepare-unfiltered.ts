/**
 * The name under which a connection keeps a list's plan, where the list is asked for without filters: planning its joins costs the database more
 * than a page of rows does. With filters a plan for any values may be a poor one for these, so such a list is planned each time.
 */
export function prepareUnfiltered(name: string, filters: readonly unknown[]): string | undefined {
  return filters.every((filter) => filter === undefined || filter === "" || filter === 0n) ? name : undefined;
}
