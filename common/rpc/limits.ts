/** No message is larger, on the wire or unpacked: the largest valid report is 1000 log lines of 4000 characters. */
export const defaultMaxMessageBytes = 16 * 1024 * 1024;
/** A client may not ask for more time than this. */
export const defaultMaxTimeoutMs = 60_000;
/** A client that says nothing waits this long in all, attempts and pauses together. */
export const defaultTimeoutMs = 30_000;
/** How long running calls may go on once a server stops. */
export const defaultGraceMs = 10_000;
