import { isFinal } from "#client/watch-deployment.ts";
import type { WatchDeploymentResponse } from "#gen/catapult/v1/operator_service_pb.js";

/**
 * Reads one watch to its end and says what was wrong with it; undefined: each line came once, in order, then the deployment's end. It takes the
 * bare stream: the client that follows a watch drops what comes twice and connects again.
 */
export async function judgeWatch(
  messages: AsyncIterable<WatchDeploymentResponse>,
  o: { lines: number; describeLine: (number: number) => string },
): Promise<string | undefined> {
  let due = 1;
  let hasEnded = false;
  try {
    for await (const { deployment, firstLogLine, logLines } of messages) {
      for (const [index, text] of logLines.entries()) {
        const number = Number(firstLogLine) + index;
        if (number !== due) return `line ${number} came where ${due} was due`;
        if (text !== o.describeLine(number)) return `line ${number} had another line's text`;
        due += 1;
      }
      if (deployment !== undefined) hasEnded = isFinal(deployment.state);
    }
  } catch (error) {
    return `it broke off after line ${due - 1}: ${String(error)}`;
  }
  if (due - 1 !== o.lines) return `it ended after line ${due - 1}`;
  return hasEnded ? undefined : "it did not say that the deployment ended";
}
