import { isDeepStrictEqual } from "node:util";
import { CaddyError, type CaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { renderServer, type RouteHosts, type ServerOptions } from "#worker/route/render-server.ts";

export type CertificateFiles = {
  certFile: string;
  keyFile: string;
  /** Changes when the files do, so that Caddy loads them anew. */ version: string;
};

export type RouteOptions = Omit<ServerOptions, "tlsTag"> & { tls?: CertificateFiles };

const serverPath = "/config/apps/http/servers/catapult";
const tag = "catapult";

/**
 * Makes Caddy's server `catapult` what it should be, whatever it was: absent, changed by hand or old. Touches nothing else, but for
 * the sites' certificate. One change of Caddy's configuration at most per call and thing, as each costs a new set-up of all of it.
 */
export async function reconcileRoutes(admin: CaddyAdmin, o: RouteOptions, hosts: RouteHosts): Promise<{ changed: boolean }> {
  for (let tries = 0; ; tries++) {
    try {
      // The certificate first: a server whose policy finds no certificate cannot answer.
      const loaded = o.tls !== undefined && (await reconcileCertificate(admin, o.tls));
      const wanted = renderServer({ ...o, ...(o.tls === undefined ? {} : { tlsTag: tag }) }, hosts);
      return { changed: (await reconcileServer(admin, wanted)) || loaded };
    } catch (error) {
      // 412: somebody else changed the configuration between our reading and our writing. Read again.
      if (!(error instanceof CaddyError) || error.status !== 412 || tries === 5) throw error;
    }
  }
}

async function reconcileServer(admin: CaddyAdmin, wanted: object): Promise<boolean> {
  const found = await readPath(admin, serverPath);
  if (isDeepStrictEqual(found?.value, normalize(wanted))) return false;
  if (found !== undefined) await admin.write("PATCH", serverPath, wanted, found.etag);
  else await createAt(admin, ["apps", "http", "servers", "catapult"], wanted);
  return true;
}

async function reconcileCertificate(admin: CaddyAdmin, tls: CertificateFiles): Promise<boolean> {
  const path = ["apps", "tls", "certificates", "load_files"];
  const wanted = { certificate: tls.certFile, key: tls.keyFile, tags: [tag, `version-${tls.version}`] };
  const found = await readPath(admin, `/config/${path.join("/")}`);
  if (found === undefined) {
    await createAt(admin, path, [wanted]);
    return true;
  }
  const list: unknown[] = Array.isArray(found.value) ? found.value : [];
  const others = list.filter((entry) => !isOurs(entry));
  const next = [...others, wanted];
  if (isDeepStrictEqual(list, next)) return false;
  await admin.write("PATCH", `/config/${path.join("/")}`, next, found.etag);
  return true;
}

function isOurs(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && "tags" in entry && Array.isArray(entry.tags) && entry.tags.includes(tag);
}

/** Undefined where nothing is: Caddy says null for the last step of a path and refuses one that is missing on the way. */
async function readPath(admin: CaddyAdmin, path: string): Promise<{ value: unknown; etag: string } | undefined> {
  try {
    const found = await admin.get(path);
    return found.value === null ? undefined : found;
  } catch (error) {
    if (error instanceof CaddyError && (error.status === 400 || error.status === 404)) return undefined;
    throw error;
  }
}

/** POST sets one key of an object that exists: find the deepest part of the path that does, and put the rest there at once. */
async function createAt(admin: CaddyAdmin, path: string[], value: unknown): Promise<void> {
  const whole = await admin.get("/config/");
  let depth = 0;
  for (let at = whole.value; depth < path.length && typeof at === "object" && at !== null; depth++) {
    at = new Map(Object.entries(at)).get(path[depth]!);
  }
  depth = Math.max(depth - 1, 0);
  const missing = path.slice(depth + 1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  if (whole.value === null) await admin.write("POST", "/config/", { [path[0]!]: missing }, whole.etag);
  else await admin.write("POST", `/config/${path.slice(0, depth + 1).join("/")}`, missing, whole.etag);
}

function normalize(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
