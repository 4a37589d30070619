import type { GitHub } from "./create-github.ts";
import { callGitHub } from "./github-error.ts";

/** Revokes a token that no worker took. */
export async function revokeToken(github: GitHub, token: string): Promise<void> {
  await callGitHub("revoking an unused clone token", async () => {
    // The client would put an authorization of its own in its place.
    const response = await github.fetch(`${github.apiUrl}/installation/token`, {
      method: "DELETE",
      headers: { authorization: `token ${token}`, "user-agent": "catapult", accept: "application/vnd.github+json" },
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
  });
}
