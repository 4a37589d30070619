import type { ForgeContext } from "../context.ts";
import { ownerOf, renderRepository } from "../render/repository.ts";
import { nodeId } from "../render/schema.ts";
import { renderAuthor, renderOrganization } from "../render/user.ts";
import type { Author, Installation, Repository } from "../state/records.ts";

export function installationOf(context: ForgeContext, repository: Repository): Installation | undefined {
  return context.store.installations.find((each) => each.repositoryIds.includes(repository.id));
}

/** What every payload about a repository ends with. */
export function renderEnvelope(context: ForgeContext, repository: Repository, installation: Installation, sender: Author) {
  const owner = ownerOf(context, repository);
  return {
    repository: renderRepository(context, repository),
    ...(owner.type === "Organization" ? { organization: renderOrganization(context, owner) } : {}),
    installation: { id: installation.id, node_id: nodeId("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u", installation.id) },
    sender: renderAuthor(context, sender),
  };
}
