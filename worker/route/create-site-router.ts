import { stat } from "node:fs/promises";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { createRouter, type Router } from "#worker/route/create-router.ts";
import { reconcileRoutes } from "#worker/route/reconcile-routes.ts";
import type { RouteHosts } from "#worker/route/render-server.ts";

/** How often Caddy did not have what it had been given, and was put right; for metrics. */
export type RouteRepairs = { count: number };

/** The router of this worker's Caddy. A certificate whose file changed is loaded anew at the next reconciliation. */
export function createSiteRouter(o: {
  caddyAdmin: string;
  listen: string[];
  liveDir: string;
  tls?: { certFile: string; keyFile: string };
  hosts: () => RouteHosts;
  repairs?: RouteRepairs;
  callTimeoutMs?: number;
}): Router {
  const admin = createCaddyAdmin(o.caddyAdmin, o.callTimeoutMs);
  /** What Caddy was last seen to have. */
  let given: string | undefined;
  return createRouter({
    hosts: o.hosts,
    async apply(hosts) {
      const tls =
        o.tls === undefined ? undefined : { ...o.tls, version: String(Math.floor((await stat(o.tls.certFile)).mtimeMs)) };
      const options = { listen: o.listen, liveDir: o.liveDir, ...(tls === undefined ? {} : { tls }) };
      const { changed } = await reconcileRoutes(admin, options, hosts);
      const wanted = JSON.stringify([options, hosts]);
      if (changed && wanted === given && o.repairs !== undefined) o.repairs.count++;
      given = wanted;
    },
  });
}
