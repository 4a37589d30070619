const largestPage = 1_000;

/** Items of a list, page by page, up to `limit`. */
export async function listAll<T>(
  fetchPage: (page: { pageSize: number; pageToken: string }) => Promise<{ items: T[]; nextPageToken: string }>,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const found: T[] = [];
  let pageToken = "";
  do {
    const page = await fetchPage({ pageSize: Math.min(largestPage, limit - found.length), pageToken });
    found.push(...page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && found.length < limit);
  return found;
}
