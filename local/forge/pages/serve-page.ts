import type { IncomingMessage, ServerResponse } from "node:http";
import { findRepository } from "../auth/access.ts";
import type { ForgeContext } from "../context.ts";
import { readCommits } from "../git/read-commits.ts";
import { readRefs } from "../git/read-refs.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { fullName } from "../render/repository.ts";
import { renderAuthor } from "../render/user.ts";
import type { PullRequest, Repository } from "../state/records.ts";
import { escapeHtml, renderMarkdown } from "./render-markdown.ts";

/**
 * A page for a repository and one for a pull request, so that a person can read the comment there. Open to all who reach the forge: a
 * browser has no token, and it listens on loopback. No scripts, and nothing from elsewhere.
 */
export async function servePage(
  context: ForgeContext,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const [, owner, name, number] = /^\/([^/]+)\/([^/]+?)(?:\/pulls?(?:\/(\d+))?)?\/?$/.exec(path) ?? [];
  const reads = request.method === "GET" || request.method === "HEAD";
  const repository = owner === undefined || name === undefined || !reads ? undefined : findRepository(context, owner, name);
  const body =
    repository &&
    (number === undefined
      ? await renderRepositoryPage(context, repository)
      : await renderPullPage(context, repository, Number(number)));
  response.writeHead(body === undefined ? 404 : 200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  response.end(body ?? renderPage("Not found", "<h1>Not found</h1>"));
}

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1f2328}" +
  "article{border:1px solid #d1d9e0;border-radius:6px;margin:1rem 0;padding:.2rem 1rem}article>p:first-child{color:#59636e}" +
  "pre{background:#f6f8fa;padding:.8rem;overflow:auto}code{font-family:ui-monospace,monospace}td,th{border:1px solid #d1d9e0;padding:.2rem .6rem}" +
  "table{border-collapse:collapse}.state{background:#1f883d;color:#fff;border-radius:1rem;padding:.1rem .7rem}.closed{background:#cf222e}.merged{background:#8250df}";

function renderPage(title: string, body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}</style><body>${body}</body></html>`;
}

function describeState(pull: PullRequest): "open" | "closed" | "merged" {
  return pull.mergedAt === null ? pull.state : "merged";
}

async function renderRepositoryPage(context: ForgeContext, repository: Repository): Promise<string> {
  const full = fullName(context, repository);
  const pulls = context.store.pullRequests.filter((each) => each.repositoryId === repository.id).toReversed();
  const refs = await readRefs(repositoryFolder(context.directory, repository.id));
  const branches = [...refs].filter(([ref]) => ref.startsWith("refs/heads/"));
  const pullItems = pulls.map(
    (pull) =>
      `<li><a href="/${escapeHtml(full)}/pull/${pull.number}">#${pull.number} ${escapeHtml(pull.title)}</a> (${describeState(pull)})</li>`,
  );
  const branchItems = branches.map(([ref, sha]) => `<li>${escapeHtml(ref.slice(11))} <code>${sha.slice(0, 7)}</code></li>`);
  return renderPage(
    full,
    `<h1>${escapeHtml(full)}</h1><p><code>git clone ${escapeHtml(`${context.urls.web}/${full}.git`)}</code></p>` +
      `<h2>Pull requests</h2><ul>${pullItems.join("")}</ul><h2>Branches</h2><ul>${branchItems.join("")}</ul>`,
  );
}

async function renderPullPage(context: ForgeContext, repository: Repository, number: number): Promise<string | undefined> {
  const pull = context.store.pullRequests.find((each) => each.repositoryId === repository.id && each.number === number);
  if (pull === undefined) return undefined;
  const full = fullName(context, repository);
  const folder = repositoryFolder(context.directory, repository.id);
  const commits = (await readCommits(folder, [`${pull.base.sha}..${pull.head.sha}`], 100)).toReversed();
  const comments = context.store.comments.filter((each) => each.repositoryId === repository.id && each.number === number);
  const login = (author: PullRequest["author"]) => escapeHtml(renderAuthor(context, author).login);
  const state = describeState(pull);
  const commitItems = commits.map(
    (commit) => `<li><code>${commit.sha.slice(0, 7)}</code> ${escapeHtml(commit.message.split("\n")[0] ?? "")}</li>`,
  );
  const articles = comments.map(
    (comment) =>
      `<article id="issuecomment-${comment.id}"><p><b>${login(comment.author)}</b> ${comment.createdAt}${comment.updatedAt === comment.createdAt ? "" : `, edited ${comment.updatedAt}`}</p>${renderMarkdown(comment.body)}</article>`,
  );
  return renderPage(
    `${pull.title} · ${full}#${number}`,
    `<p><a href="/${escapeHtml(full)}">${escapeHtml(full)}</a></p><h1>${escapeHtml(pull.title)} #${number}</h1>` +
      `<p><span class="state ${state}">${state}</span> ${login(pull.author)} wants ${escapeHtml(pull.head.ref)} in ${escapeHtml(pull.base.ref)}</p>` +
      `${pull.body === null ? "" : `<article>${renderMarkdown(pull.body)}</article>`}<h2>Commits</h2><ul>${commitItems.join("")}</ul><h2>Comments</h2>${articles.join("")}`,
  );
}
