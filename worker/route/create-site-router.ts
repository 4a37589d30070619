import { stat } from "node:fs/promises";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { createRouter, type Router } from "#worker/route/create-router.ts";
import { reconcileRoutes } from "#worker/route/reconcile-routes.ts";
import type { RouteHosts } from "#worker/route/render-server.ts";

/** The router of this worker's Caddy. A certificate whose file changed is loaded anew at the next reconciliation. */
export function createSiteRouter(o: {
  caddyAdmin: string;
  listen: string[];
  liveDir: string;
  tls?: { certFile: string; keyFile: string };
  hosts: () => RouteHosts;
}): Router {
  const admin = createCaddyAdmin(o.caddyAdmin);
  return createRouter({
    hosts: o.hosts,
    async apply(hosts) {
      const tls =
        o.tls === undefined ? undefined : { ...o.tls, version: String(Math.floor((await stat(o.tls.certFile)).mtimeMs)) };
      await reconcileRoutes(admin, { listen: o.listen, liveDir: o.liveDir, ...(tls === undefined ? {} : { tls }) }, hosts);
    },
  });
}
