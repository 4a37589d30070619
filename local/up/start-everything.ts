import path from "node:path";
import { readConfig } from "#common/config/read-config.ts";
import { local } from "./bootstrap.ts";
import { chooseGitHub } from "./choose-github.ts";
import { choosePorts } from "./choose-ports.ts";
import { endLeftOvers } from "./end-left-overs.ts";
import { formatEnvFile, writeEnvFile } from "./env-file.ts";
import { formatSummary } from "./format-summary.ts";
import { createRandomKey, keepSecret } from "./keep-secret.ts";
import { readComment, sample } from "./keep-sample.ts";
import { openSample } from "./open-sample.ts";
import { startDaemons } from "./start-daemons.ts";
import { startFoundation } from "./start-foundation.ts";
import type { Start } from "./start.ts";
import { databaseVariables } from "./up-variables.ts";
import { waitForPreview } from "./wait-for-preview.ts";

/** Starts every part in order, and returns once the sample's preview answers. What was started is in `start.releasers`, also when it throws. */
export async function startEverything(start: Start): Promise<void> {
  const { stateDir, steps, signal } = start;
  await endLeftOvers(stateDir);
  const { databaseUrl } = readConfig(start.env, databaseVariables);
  const ports = await choosePorts(stateDir, start.env);
  const github = await chooseGitHub(stateDir, start.env);
  const secretKey = await keepSecret(stateDir, "central-secret-key", createRandomKey);
  const sitesUrl = `http://{host}:${ports.sites}`;
  const webhookUrl = `https://127.0.0.1:${ports.central}/webhook/github`;

  const foundation = await startFoundation(start, { databaseUrl, github, ports, webhookUrl });
  signal.throwIfAborted();
  const daemons = await startDaemons(start, { foundation, github, ports, secretKeyFile: secretKey.file, sitesUrl });
  signal.throwIfAborted();
  const { forge } = foundation;
  const opened = forge && (await openSample(start, { forge, daemons, sitesUrl }));

  const envFile = path.join(stateDir, "env");
  const values: Record<string, string> = {
    CATAPULT_CENTRAL_URL: daemons.centralUrl,
    CATAPULT_WORKER_URL: daemons.workerUrl,
    CATAPULT_CA_FILE: foundation.certificates.caFile,
    CATAPULT_TOKEN: daemons.token,
    CATAPULT_SITES_URL: `http://127.0.0.1:${ports.sites}`,
    DATABASE_URL: foundation.databaseUrl,
    WORKER_ID: local.worker,
    WORKER_KEY_FILE: daemons.keyFile,
    CENTRAL_SECRET_KEY_FILE: secretKey.file,
    ...(github.kind === "forge" ? { GITHUB_WEBHOOK_SECRET: github.webhookSecret } : {}),
    ...(forge ? { GITHUB_API_URL: forge.apiUrl, GITHUB_URL: forge.url } : {}),
    ...(opened
      ? { CATAPULT_PREVIEW_URL: opened.previewUrl, FORGE_TOKEN: opened.token, FORGE_REPOSITORY: `${sample.owner}/${sample.name}` }
      : {}),
  };
  await writeEnvFile(envFile, formatEnvFile(values, { prepend: path.join(start.repositoryRoot, "cli") }));

  const logs = path.join(stateDir, "log");
  if (!forge || !opened) {
    steps.print(formatSummary({ sample: undefined, envFile, webhookUrl, logs }));
    return;
  }
  const preview = await steps.run("preview", async () =>
    waitForPreview({
      pool: daemons.pool,
      repository: sample,
      pullRequest: opened.pullRequest,
      sitesPort: ports.sites,
      print: (line) => steps.print(`  │ ${line}`),
      signal,
    }),
  );
  const comment = await readComment({ apiUrl: forge.apiUrl, token: opened.token, pullRequest: opened.pullRequest, signal });
  steps.print(formatSummary({ sample: { ...opened, state: preview.kind, comment }, envFile, webhookUrl, logs }));
}
