import { createServingRoutes } from "#worker/route/serving-routes.ts";

export type RouteHosts = { previews: string[]; production: string[] };

export type ServerOptions = {
  /** Where the server listens, such as `:80`. */
  listen: string[];
  /** The folder with one link per host. */
  liveDir: string;
  /** Certificates are loaded under this tag; unset: plain HTTP. */
  tlsTag?: string;
};

/**
 * The Caddy server `catapult`, whole. The root is steered by the request's Host, so every route stands behind an exact host list; an
 * empty list matches nothing. Without the 404 at the end Caddy would answer an unknown host with an empty 200.
 */
export function renderServer(o: ServerOptions, hosts: RouteHosts): object {
  const redirect = o.tlsTag === undefined ? undefined : findRedirectPort(o.listen);
  const route = (id: string, list: string[], preview: boolean): object => ({
    match: [{ "@id": id, host: list.toSorted() }],
    handle: [
      { handler: "subroute", routes: [...createRedirect(redirect), ...createServingRoutes({ liveDir: o.liveDir, preview })] },
    ],
    terminal: true,
  });
  return {
    listen: o.listen,
    automatic_https: { disable: true },
    routes: [
      route("catapult-previews", hosts.previews, true),
      route("catapult-production", hosts.production, false),
      { handle: [createPlainAnswer(404, "Not found\n")] },
    ],
    errors: { routes: [{ handle: [createPlainAnswer("{http.error.status_code}", "{http.error.status_text}\n")] }] },
    ...(o.tlsTag === undefined ? {} : { tls_connection_policies: [{ certificate_selection: { any_tag: [o.tlsTag] } }] }),
  };
}

/** With TLS, Caddy still serves its HTTP port (80) in plain; those requests are sent to the first other port. */
function findRedirectPort(listen: string[]): string | undefined {
  const ports = listen.map((address) => address.slice(address.lastIndexOf(":") + 1));
  if (!ports.includes("80")) return undefined;
  const secure = ports.find((port) => port !== "80");
  return secure === "443" ? "" : secure && `:${secure}`;
}

function createRedirect(port: string | undefined): object[] {
  if (port === undefined) return [];
  const location = `https://{http.request.host}${port}{http.request.uri}`;
  return [
    {
      match: [{ protocol: "http" }],
      handle: [{ handler: "static_response", status_code: 308, headers: { Location: [location] } }],
      terminal: true,
    },
  ];
}

function createPlainAnswer(status: number | string, body: string): object {
  return {
    handler: "static_response",
    status_code: status,
    headers: {
      "Content-Type": ["text/plain; charset=utf-8"],
      "X-Content-Type-Options": ["nosniff"],
      "Cache-Control": ["no-store"],
    },
    body,
  };
}
