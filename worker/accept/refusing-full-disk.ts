import { Code } from "@connectrpc/connect";
import { errorCode } from "#common/error-details.ts";
import { reasonError } from "#common/rpc/reason-error.ts";

/** Work on a call that has to be on the disk before it is answered. A disk that takes no more is a refusal with that reason, not a fault. */
export async function refusingFullDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = errorCode(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    const message = "this worker is not ready: disk: it is full, so that not even the call could be stored";
    throw reasonError(Code.ResourceExhausted, "worker_not_ready", message, { cause: error });
  }
}
