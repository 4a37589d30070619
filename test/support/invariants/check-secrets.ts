import { readFile } from "node:fs/promises";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";
import { selectSites } from "./select-sites.ts";

/** What GitHub gives for a clone, and nobody else has. */
const token = /ghs_[A-Za-z0-9]{20,}/;

/** I6 as far as a stack's own secrets go: none is in a log, in a comment by anybody, or in the database outside a seal. */
export async function checkSecrets(stack: Stack): Promise<Finding[]> {
  const keys = await Promise.all(stack.workers.map(async ({ keyFile }) => readFile(keyFile, "utf8")));
  const secrets = [stack.webhookSecret, stack.token, await readFile(stack.secretKeyFile, "utf8")].map((secret) => secret.trim());
  for (const key of keys) for (const match of key.matchAll(/"key":\s*"([^"]+)"/g)) secrets.push(match[1] ?? "");
  const places = [...(await readLogs(stack)), ...(await readComments(stack)), ...(await readTables(stack))];
  return places.flatMap(({ where, text }) => {
    const seen = secrets
      .filter((secret) => secret !== "" && text.includes(secret))
      .map((secret) => `holds a secret that begins with ${secret.slice(0, 4)}`);
    const found = token.exec(text)?.[0];
    if (found !== undefined) seen.push(`holds the token ${found.slice(0, 8)}…`);
    return seen.map((one) => ({ invariant: "I6" as const, where, seen: one }));
  });
}

type Place = { where: string; text: string };

async function readLogs(stack: Stack): Promise<Place[]> {
  const daemons = [...stack.centrals, ...stack.workers.map((worker) => worker.daemon)];
  return Promise.all(daemons.map(async (daemon) => ({ where: daemon.logFile, text: await daemon.log() })));
}

async function readComments(stack: Stack): Promise<Place[]> {
  const places: Place[] = [];
  for (const { owner, name, pullRequest } of await selectSites(stack)) {
    if (pullRequest === null) continue;
    const comments = await stack.forge.comments({ owner, name, number: Number(pullRequest) });
    places.push({ where: `comments of ${owner}/${name}#${pullRequest}`, text: comments.map(({ body }) => body).join("\n") });
  }
  return places;
}

/** Every row of every table as text, Central's own and the job queue's. */
async function readTables(stack: Stack): Promise<Place[]> {
  const { rows: tables } = await stack.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in ('public', 'graphile_worker') order by 1`,
  );
  const places: Place[] = [];
  for (const { name } of tables) {
    const { rows } = await stack.pool.query<{ text: string | null }>(
      `select string_agg(row::text, e'\\n') as text from ${name} as row`,
    );
    places.push({ where: `table ${name}`, text: rows[0]?.text ?? "" });
  }
  return places;
}
