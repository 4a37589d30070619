import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { Releasers } from "../lifecycle.ts";

/**
 * Lets all that is done for a call know its trace, so that log lines name it. Sends traces by OTLP over HTTP to `endpoint`
 * (OTEL_EXPORTER_OTLP_ENDPOINT); without one nothing of the exporter is even loaded. The exporter itself reads OpenTelemetry's other variables, such as OTEL_EXPORTER_OTLP_HEADERS. A process has one: a second start changes nothing.
 */
export async function startTelemetry(o: { service: string; endpoint: string | undefined; releasers: Releasers }): Promise<void> {
  if (context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())) {
    o.releasers.push("trace context", () => context.disable());
  }
  if (o.endpoint === undefined) return;
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-trace"),
  ]);
  const exporter = new OTLPTraceExporter({ url: new URL("v1/traces", `${o.endpoint.replace(/\/*$/, "")}/`).href });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ "service.name": process.env["OTEL_SERVICE_NAME"] || o.service }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  if (!trace.setGlobalTracerProvider(provider)) return;
  o.releasers.push("telemetry", async () => {
    await provider.shutdown();
    trace.disable();
  });
}
