export type JobPayload = {
  siteId: bigint | undefined;
  configId: bigint | undefined;
  pullRequest: bigint | undefined;
  attempt: number;
  again: boolean;
};

/** Reads what addJob wrote: ids are text there, because JSON's numbers end at 2^53. */
export function parsePayload(payload: unknown): JobPayload {
  const fields: Record<string, unknown> = typeof payload === "object" && payload !== null ? { ...payload } : {};
  const attempt = fields["attempt"];
  return {
    siteId: readBigint(fields["siteId"]),
    configId: readBigint(fields["configId"]),
    pullRequest: readBigint(fields["pullRequest"]),
    attempt: typeof attempt === "number" ? attempt : 0,
    again: fields["again"] === true,
  };
}

function readBigint(value: unknown): bigint | undefined {
  return typeof value === "string" && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
}
