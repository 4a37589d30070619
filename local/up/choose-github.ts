import { createAppKey, createRandomKey, derivePublicKey, keepSecret } from "./keep-secret.ts";
import { githubVariables } from "./up-variables.ts";

/** The real GitHub, configured by the caller's environment, or the forge, whose App is made here. */
export type GitHubChoice =
  | { kind: "github"; variables: Record<string, string> }
  | { kind: "forge"; app: { id: string; publicKey: string }; webhookSecret: string; variables: Record<string, string> };

const names = Object.values(githubVariables).map(({ name }) => name);

/** With GITHUB_APP_ID set, all of GitHub's variables go to Central as they are; it names those that are missing or wrong. */
export async function chooseGitHub(stateDir: string, env: NodeJS.ProcessEnv): Promise<GitHubChoice> {
  if (env["GITHUB_APP_ID"] || env["GITHUB_APP_ID_FILE"]) {
    const given = names
      .flatMap((name) => [name, `${name}_FILE`])
      .flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
    return { kind: "github", variables: Object.fromEntries(given) };
  }
  const key = await keepSecret(stateDir, "app-key.pem", createAppKey);
  const secret = await keepSecret(stateDir, "webhook-secret", createRandomKey);
  return {
    kind: "forge",
    app: { id: "1", publicKey: derivePublicKey(key.value) },
    webhookSecret: secret.value,
    variables: { GITHUB_APP_ID: "1", GITHUB_PRIVATE_KEY_FILE: key.file, GITHUB_WEBHOOK_SECRET: secret.value },
  };
}
