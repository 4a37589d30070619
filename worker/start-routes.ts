import type { Releasers } from "#common/lifecycle.ts";
import type { Logger } from "#common/logger.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import type { WorkerConfig } from "#worker/config.ts";
import { restoreLinks } from "#worker/publish/restore-links.ts";
import { liveFolder } from "#worker/publish/site-paths.ts";
import { createSiteRouter, type RouteRepairs } from "#worker/route/create-site-router.ts";
import { listHosts } from "#worker/route/make-live.ts";
import { startAskServer } from "#worker/route/start-ask-server.ts";

/** Brings back what was served before: the links to live releases, then Caddy's routes. */
export async function startRoutes(o: { config: WorkerConfig; store: SiteStore; log: Logger; releasers: Releasers }): Promise<{
  router: ReturnType<typeof createSiteRouter>;
  /** Sets Caddy's routes; what keeps it from that is logged, and tried again by whoever calls the next time. */
  reconcile(): Promise<void>;
  /** How often they were not as they had been set. */
  repairs: RouteRepairs;
}> {
  const { config, store, log, releasers } = o;
  const { sitesDir } = config;
  const { sitesTlsCertFile: certFile, sitesTlsKeyFile: keyFile } = config;
  const repairs: RouteRepairs = { count: 0 };
  const router = createSiteRouter({
    repairs,
    caddyAdmin: config.caddyAdmin,
    listen: config.sitesListen,
    liveDir: liveFolder(sitesDir),
    ...(certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } }),
    hosts: () => listHosts(store.all()),
  });
  const live = [...store.all()].filter((state) => state.removal === undefined);
  const missing = await restoreLinks(
    sitesDir,
    live.flatMap(({ siteId, host, live: at }) => (at === undefined ? [] : [{ siteId, host, release: at.release }])),
  );
  if (missing.length > 0) log.error({ hosts: missing }, "releases that were live are gone; deploy these sites anew");
  const reconcile = async (): Promise<void> => {
    try {
      await router.reconcile();
    } catch (err) {
      log.error({ err }, "Caddy's routes could not be set; it is tried again");
    }
  };
  await reconcile();
  if (config.sitesAskListen !== "off") {
    const isServed = (host: string): boolean => {
      const { previews, production } = listHosts(store.all());
      return previews.includes(host) || production.includes(host);
    };
    const ask = await startAskServer({ listen: config.sitesAskListen, isServed });
    releasers.push("ask", () => ask.stop());
  }
  return { router, reconcile, repairs };
}
