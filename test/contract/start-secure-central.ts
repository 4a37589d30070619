import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCentral } from "#central/main.ts";
import { createToken } from "#central/operator/tokens.ts";
import { createReleasers } from "#common/lifecycle.ts";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startTestCentral } from "#test/central/support/start-test-central.ts";
import { log } from "#test/central/support/test-log.ts";
import { startTestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

export type SecureCentral = Awaited<ReturnType<typeof startSecureCentral>>;

/** Central over TLS, and the same behind a real Caddy that ends TLS and speaks HTTP/2 to it. Its worker takes what it is given, and reports what a test says. */
export async function startSecureCentral() {
  const central = await startTestCentral();
  const folder = await mkdtemp(join(tmpdir(), "catapult-secure-"));
  const files = await createCertificates({ directory: folder, hosts: ["localhost", "127.0.0.1"] });
  const tls = { cert: await readFile(files.certFile, "utf8"), key: await readFile(files.keyFile, "utf8") };
  const releasers = createReleasers(log);
  const secure = await startCentral({ ...central.config, tls }, log, releasers);
  const caddy = await startTestCaddy();
  const proxyPort = await freePort();
  await createCaddyAdmin(caddy.admin).write("POST", "/config/apps", {
    tls: { certificates: { load_files: [{ certificate: files.certFile, key: files.keyFile }] } },
    http: {
      servers: {
        central: {
          listen: [`127.0.0.1:${proxyPort}`],
          automatic_https: { disable: true },
          tls_connection_policies: [{}],
          routes: [{ handle: [createProxy(new URL(secure.url).host, files.caFile)] }],
        },
      },
    },
  });
  return {
    central,
    url: secure.url,
    proxyUrl: `https://127.0.0.1:${proxyPort}`,
    caFile: files.caFile,
    ca: await readFile(files.caFile, "utf8"),
    token: await createToken(central.pool, { name: "contract", scope: "write" }),
    /** A repository that the App sees. */
    async addRepository(name: string) {
      await central.forge.createRepository({ owner: "acme", name, files: { "index.html": name } });
      await central.forge.installApp({ owner: "acme", name });
    },
    async stop() {
      await caddy.stop();
      await releasers.runAll();
      await central.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** HTTP/2 to Central, and no flush_interval: with one, a client that goes away is not noticed. */
function createProxy(dial: string, caFile: string) {
  // Newer Caddys have `ca` instead and still take this; Debian's 2.6 takes this alone.
  const tls = { root_ca_pem_files: [caFile] };
  return { handler: "reverse_proxy", upstreams: [{ dial }], transport: { protocol: "http", versions: ["2"], tls } };
}
