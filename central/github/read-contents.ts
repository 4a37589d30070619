import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

/** A file larger than this is no lock file or manifest of anybody's site. */
export const maxFileBytes = 8 * 1024 * 1024;

export type ContentEntry = { name: string; kind: "file" | "folder" | "other"; bytes: number };

type Place = { commit: string; path: string };

/** What lies in a folder of a commit; undefined: there is no such folder. GitHub lists at most 1,000 entries. */
export async function listContents(github: GitHub, name: RepositoryName, place: Place): Promise<ContentEntry[] | undefined> {
  try {
    const { data } = await callGitHub(`listing a folder of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/contents/{path}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        path: place.path,
        ref: place.commit,
      }),
    );
    if (!Array.isArray(data)) return undefined;
    return data.map((entry) => ({ name: entry.name, kind: kindOf(entry.type), bytes: entry.size }));
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}

/** A file's text; undefined: there is none, or it is too large. */
export async function readContents(github: GitHub, name: RepositoryName, place: Place): Promise<string | undefined> {
  try {
    const { data } = await callGitHub(`reading a file of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/contents/{path}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        path: place.path,
        ref: place.commit,
        headers: { accept: "application/vnd.github.raw+json" },
      }),
    );
    // The answer in this form is the file itself: text if its type says so, else bytes.
    const content: unknown = data;
    const text = content instanceof ArrayBuffer ? Buffer.from(content).toString() : content;
    return typeof text === "string" && text.length <= maxFileBytes ? text : undefined;
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}

function kindOf(type: string): ContentEntry["kind"] {
  if (type === "file") return "file";
  return type === "dir" ? "folder" : "other";
}
