import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest } from "#gen/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionAlphaRequest,
} from "#gen/grpc/reflection/v1alpha/reflection_pb.js";
import { reasonError } from "./reason-error.ts";
import { createReflectionIndex, type ReflectionIndex } from "./reflection-index.ts";

// An answer repeats its question; no name is longer.
const longestName = 1024;
// A stream holds a little memory for each question.
const maxQuestions = 10_000;

/**
 * Adds grpc.reflection.v1 and v1alpha, which tell whoever asks what this server serves. Connect has no such service of its own. Streams end
 * when `stopping` does: a peer keeps one open as long as its own connection.
 */
export function addReflection(router: ConnectRouter, o: { services: readonly DescService[]; stopping: AbortSignal }): void {
  const index = createReflectionIndex([...o.services, ServerReflection, ServerReflectionAlpha]);
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of until(requests, o.stopping)) yield { ...frame(request), originalRequest: request };
    },
  });
  router.service(ServerReflectionAlpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of until(requests, o.stopping)) yield { ...frame(request), originalRequest: request };
    },
  });
  function frame(request: ServerReflectionRequest | ServerReflectionAlphaRequest) {
    return { validHost: request.host, messageResponse: answer(index, request.messageRequest) };
  }
}

type Question = (ServerReflectionRequest | ServerReflectionAlphaRequest)["messageRequest"];

function answer(index: ReflectionIndex, question: Question) {
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse" as const, value: { service: index.services.map((name) => ({ name })) } };
    case "fileByFilename":
      return describeFiles(index.findFile(check(question.value)), question.value);
    case "fileContainingSymbol":
      return describeFiles(index.findSymbol(check(question.value)), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const found = index.findExtension(check(containingType), extensionNumber);
      return describeFiles(found, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.listExtensions(check(question.value));
      if (extensionNumber === undefined) return describeError(Code.NotFound, `${question.value} is not served here`);
      return { case: "allExtensionNumbersResponse" as const, value: { baseTypeName: question.value, extensionNumber } };
    }
    default:
      return describeError(Code.InvalidArgument, "a request of reflection asks exactly one of its questions");
  }
}

function describeFiles(fileDescriptorProto: Uint8Array[] | undefined, asked: string) {
  if (fileDescriptorProto === undefined) return describeError(Code.NotFound, `${asked} is not served here`);
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function describeError(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}

function check(name: string): string {
  if (name.length > longestName)
    throw reasonError(Code.InvalidArgument, "invalid_field", `a name has at most ${longestName} characters`);
  return name;
}

/** The messages of a stream until it ends, or until `stopping`. */
async function* until<T>(messages: AsyncIterable<T>, stopping: AbortSignal): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  const { promise: stopped, resolve } = Promise.withResolvers<IteratorReturnResult<undefined>>();
  const stop = () => resolve({ done: true, value: undefined });
  if (stopping.aborted) stop();
  stopping.addEventListener("abort", stop, { once: true });
  try {
    for (let asked = 0; asked < maxQuestions; asked += 1) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stopping.removeEventListener("abort", stop);
  }
  throw reasonError(Code.ResourceExhausted, "too_many_questions", `a stream may ask ${maxQuestions} questions`);
}
