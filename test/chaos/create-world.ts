import type { Stack } from "#test/support/stack.ts";
import type { WalkShape } from "./plan-walk.ts";

/** The forge's side of a walk: repositories with pull requests, each commit with content of its own. */
export type World = {
  push(pull: number): Promise<void>;
  forcePush(pull: number): Promise<void>;
  close(pull: number): Promise<void>;
  reopen(pull: number): Promise<void>;
  deleteComment(pull: number): Promise<void>;
  pushMain(repository: number): Promise<void>;
};

/** Every so many pull requests' sites are built in a container, the others served as they are. */
const builtEvery = 5;

export async function createWorld(stack: Stack, o: { shape: WalkShape; containers: boolean }): Promise<World> {
  const repositories = Array.from({ length: o.shape.repositories }, (_, index) => ({ owner: "acme", name: `site-${index}` }));
  let version = 0;
  const page = (what: string) => `<!doctype html><p>${what}, version ${++version}</p>\n${"filler\n".repeat(version % 7)}`;
  const repositoryOf = (pull: number) => repositories[pull % repositories.length]!;
  const filesOf = (pull: number): Record<string, string> => ({
    "index.html": page(`pull request ${pull}`),
    ...(o.containers && pull % builtEvery === builtEvery - 1
      ? {
          ".deploy.json": JSON.stringify({
            site_type: "custom",
            build_command: "sleep 1; mkdir out && cp index.html out/",
            output_dir: "out",
          }),
        }
      : {}),
  });
  for (const [index, repository] of repositories.entries()) {
    await stack.forge.createRepository({ ...repository, files: { "index.html": page(`main of ${index}`) } });
    await stack.forge.installApp(repository);
    await stack.operator.createDeploymentConfig({
      deploymentConfig: {
        githubOrg: repository.owner,
        githubRepo: repository.name,
        environment: "one",
        domain: "one.localhost",
        subdomain: `www-${index}`,
      },
    });
  }
  const numbers: number[] = [];
  for (let pull = 0; pull < o.shape.pulls; pull++) {
    const repository = repositoryOf(pull);
    await stack.forge.pushFiles({ ...repository, branch: `change-${pull}`, files: filesOf(pull) });
    numbers.push((await stack.forge.openPullRequest({ ...repository, head: `change-${pull}` })).number);
  }
  const named = (pull: number) => ({ ...repositoryOf(pull), number: numbers[pull]! });
  return {
    async push(pull) {
      await stack.forge.pushFiles({ ...repositoryOf(pull), branch: `change-${pull}`, files: filesOf(pull) });
    },
    async forcePush(pull) {
      await stack.forge.pushFiles({ ...repositoryOf(pull), branch: `change-${pull}`, from: "main", files: filesOf(pull) });
    },
    async close(pull) {
      await stack.forge.closePullRequest(named(pull));
    },
    async reopen(pull) {
      await stack.forge.reopenPullRequest(named(pull));
    },
    async deleteComment(pull) {
      const ours = (await stack.forge.comments(named(pull))).find(({ user }) => user === "catapult[bot]");
      if (ours !== undefined) await stack.forge.deleteComment({ ...named(pull), id: ours.id });
    },
    async pushMain(repository) {
      const to = repositories[repository]!;
      await stack.forge.pushFiles({ ...to, branch: "main", files: { "index.html": page(`main of ${repository}`) } });
    },
  };
}
