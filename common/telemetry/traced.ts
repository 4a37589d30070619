import { randomUUID } from "node:crypto";
import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
} from "@opentelemetry/api";

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };
const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Runs work as a span of a trace. `parent` is a W3C traceparent that came from elsewhere or was kept; without one the span belongs to what runs
 * now, and else it begins a trace. Unless `startTelemetry` found where to send it nothing is recorded: what is left are the ids, by which the
 * log lines of both sides find each other.
 */
export async function traced<T>(
  name: string,
  o: {
    kind?: keyof typeof kinds;
    parent?: string | null | undefined;
    attributes?: Record<string, string>;
  },
  work: () => Promise<T>,
): Promise<T> {
  const tracer = trace.getTracer("catapult");
  const options = { kind: kinds[o.kind ?? "internal"], attributes: o.attributes ?? {} };
  const within = readParent(o.parent) ?? context.active();
  const span = withIds(tracer.startSpan(name, options, within));
  return context.with(trace.setSpan(within, span), async () => {
    try {
      return await work();
    } catch (error) {
      // Its message may quote what is not ours to send on; the log has it.
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : "error" });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Without an exporter a span has the ids of its parent, and none where it has no parent. */
function withIds(span: Span): Span {
  if (isSpanContextValid(span.spanContext())) return span;
  // Of a UUID's 122 random bits Node keeps a store, which costs a call a third of what randomBytes does.
  const ids = `${randomUUID()}${randomUUID()}`.replaceAll("-", "");
  // Sampled: whoever is called and does have an exporter records its part.
  return trace.wrapSpanContext({ traceId: ids.slice(0, 32), spanId: ids.slice(48), traceFlags: TraceFlags.SAMPLED });
}

/** What runs now, as a W3C traceparent: for a header, or to be kept until the work goes on. */
export function currentTraceparent(): string | undefined {
  const now = trace.getActiveSpan()?.spanContext();
  if (now === undefined || !isSpanContextValid(now)) return undefined;
  return `00-${now.traceId}-${now.spanId}-${now.traceFlags.toString(16).padStart(2, "0")}`;
}

/** For each line of the log. */
export function currentTrace(): { trace_id: string; span_id: string } | undefined {
  const now = trace.getActiveSpan()?.spanContext();
  return now === undefined || !isSpanContextValid(now) ? undefined : { trace_id: now.traceId, span_id: now.spanId };
}

/** A text that is no traceparent begins a trace of its own, as the W3C says. */
function readParent(traceparent: string | null | undefined): Context | undefined {
  const [, traceId, spanId, flags] = traceparentForm.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : undefined;
}
