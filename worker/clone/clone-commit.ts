import type { Logger } from "#common/logger.ts";
import { endToken } from "#worker/clone/end-token.ts";
import { fetchCommit, type Clone, type FetchRequest } from "#worker/clone/fetch-commit.ts";

/** Fetches a commit and ends its token, whatever comes of the fetch. The revocation is not waited for; it goes to `background`. */
export async function cloneCommit(
  o: FetchRequest & { apiUrl: string; ca?: string[]; background: (work: Promise<void>) => void; log: Logger },
): Promise<Clone> {
  try {
    return await fetchCommit(o);
  } finally {
    endToken(o);
  }
}
