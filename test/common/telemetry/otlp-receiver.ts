import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

export type ReceivedSpan = {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  attributes: Record<string, string>;
};

/** Takes what OTLP's JSON over HTTP sends, as a collector does. */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    spans.push(...readSpans(await json(request)));
    response.setHeader("content-type", "application/json").end("{}");
  }
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver listens on no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Item = Record<string, unknown>;

function readSpans(body: unknown): ReceivedSpan[] {
  return list(body, "resourceSpans").flatMap((resourceSpans) => {
    const service = readAttributes(list(resourceSpans["resource"], "attributes"))["service.name"] ?? "";
    return list(resourceSpans, "scopeSpans")
      .flatMap((scope) => list(scope, "spans"))
      .map((span) => ({
        service,
        traceId: text(span["traceId"]),
        spanId: text(span["spanId"]),
        parentSpanId: text(span["parentSpanId"]),
        name: text(span["name"]),
        attributes: readAttributes(list(span, "attributes")),
      }));
  });
}

function readAttributes(items: Item[]): Record<string, string> {
  return Object.fromEntries(items.map((item) => [text(item["key"]), text(member(item["value"], "stringValue"))]));
}

function list(value: unknown, name: string): Item[] {
  const found = member(value, name);
  return Array.isArray(found) ? found.filter(isItem) : [];
}

function member(value: unknown, name: string): unknown {
  return isItem(value) ? value[name] : undefined;
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
