import type { Interceptor } from "@connectrpc/connect";

export type CatapultOptions = {
  /** Central's URL. http:// is for loopback addresses alone: the token goes with each call. */
  url: string;
  /** A bearer token, or what gives the one of the moment. */
  token: string | (() => string | Promise<string>);
  /** Certificates (PEM) that are trusted beside the system's. */
  ca?: string | undefined;
  /** What a single call has in all, repeats and pauses together; 30 s if not said. A watch has no end of its own. */
  timeoutMs?: number | undefined;
  /** How often a call that failed is tried again, where a repeat does no harm; 3 if not said. */
  retries?: number | undefined;
  /** They run within each attempt. */
  interceptors?: Interceptor[] | undefined;
};
