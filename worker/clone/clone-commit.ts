import type { Logger } from "#common/logger.ts";
import { fetchCommit, type Clone, type FetchRequest } from "#worker/clone/fetch-commit.ts";
import { revokeToken } from "#worker/clone/revoke-token.ts";

/** Fetches a commit and ends its token, whatever comes of the fetch. The revocation is not waited for; it goes to `background`. */
export async function cloneCommit(
  o: FetchRequest & { apiUrl: string; ca?: string[]; background: (work: Promise<void>) => void; log: Logger },
): Promise<Clone> {
  try {
    return await fetchCommit(o);
  } finally {
    if (o.token !== "") {
      const { apiUrl, token, log } = o;
      o.background(
        revokeToken({ apiUrl, token, ...(o.ca === undefined ? {} : { ca: o.ca }) }).catch((err: unknown) =>
          log.warn({ err }, "the clone's token could not be revoked; it ends by itself within an hour"),
        ),
      );
    }
  }
}
