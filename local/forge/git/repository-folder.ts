import { join } from "node:path";

/** Folders are named by id: a repository may be renamed, and another may take its name. */
export function repositoryFolder(forgeDirectory: string, repositoryId: number): string {
  return join(forgeDirectory, "repositories", `${repositoryId}.git`);
}
