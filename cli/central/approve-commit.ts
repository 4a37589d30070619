import { toJson } from "@bufbuild/protobuf";
import { ApproveResponseSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { UsageError } from "../errors.ts";
import { print, printJson } from "../output/print.ts";
import { callCentral } from "./call-central.ts";
import { splitRepository } from "./split-repository.ts";

type Words = { repository: string; pullRequest: string; commit: string };

export async function approveCommit(words: Words, options: { json?: boolean }): Promise<void> {
  const request = {
    ...splitRepository(words.repository),
    pullRequest: parseNumber(words.pullRequest),
    commit: parseCommit(words.commit),
  };
  const attempt = `approve ${request.commit} for pull request ${request.pullRequest} of ${words.repository}`;
  const answer = await callCentral(attempt, async (client) => client.approve(request));
  if (options.json === true) printJson(toJson(ApproveResponseSchema, answer));
  else
    print(
      `${request.commit} is approved for pull request ${request.pullRequest} of ${words.repository}: deployment ${answer.deploymentId}.`,
    );
}

function parseNumber(text: string): bigint {
  if (!/^#?[1-9]\d{0,17}$/.test(text)) {
    throw new UsageError(`<pull request>: expected its number, such as 7, not ${JSON.stringify(text)}`);
  }
  return BigInt(text.replace("#", ""));
}

function parseCommit(text: string): string {
  if (!/^[0-9a-f]{40}$/.test(text)) {
    const hint = "one exact commit is approved, so its id is given in full: 40 hexadecimal digits in lower case";
    throw new UsageError(`<sha>: ${hint}, not ${JSON.stringify(text)}. The pull request's comment shows it`);
  }
  return text;
}
