import { request } from "node:http";
import { parseCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

const answerTimeoutMs = 2_000;
const answerLimit = 4 * 1024 * 1024;

/** The version that the running Caddy was built as, by its metrics; undefined: it was built without one, or does not say. */
export async function readCaddyVersion(admin: string): Promise<string | undefined> {
  const metrics = await readMetrics(admin).catch(() => "");
  const labels = /^go_build_info\{([^}]*)\}/m.exec(metrics)?.[1] ?? "";
  return /(?:^|,)version="v?([0-9][^"]{0,60})"/.exec(labels)?.[1];
}

async function readMetrics(admin: string): Promise<string> {
  const { options, host } = parseCaddyAdmin(admin);
  return new Promise((settle, refuse) => {
    const sent = request(
      {
        ...options,
        path: "/metrics",
        headers: { host, origin: `http://${host}` },
        agent: false,
        signal: AbortSignal.timeout(answerTimeoutMs),
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => {
          text += part;
          if (text.length > answerLimit) answer.destroy(new Error("Caddy's metrics are too long"));
        });
        answer.once("end", () => settle(text));
        answer.once("error", refuse);
      },
    );
    sent.once("error", refuse);
    sent.end();
  });
}
