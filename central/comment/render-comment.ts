import { codeBlock, inlineCode } from "./escape.ts";

export type CommentDeployment = {
  state: string;
  commit: string;
  waiting: string | null;
  failure: { stage: string; reason: string; message: string } | null;
  /** Who let this commit of a fork be built: a login at GitHub, or a token's name. */
  approval: { kind: "github" | "token"; approver: string } | null;
  /** From the decision to the end, in milliseconds. */
  durationMs: number | null;
  /** How many deployments of this commit ended with their worker's silence. */
  timesLost: number;
};

/** What a pull request's comment shows, as the database has it. */
export type CommentState = {
  siteId: bigint;
  siteState: "wanted" | "removing" | "removed" | "evicted";
  url: string;
  /** What the environment's worker says of why it takes no builds; untrusted. */
  notReadyReason?: string | null;
  newest: CommentDeployment | null;
  live: { commit: string } | null;
  /** The last lines of the newest deployment's log. */
  logTail: readonly string[];
};

/** GitHub takes 65,536 characters. */
const maxLength = 60_000;
const tailLines = 40;

const waitingFor: Readonly<Record<string, string>> = {
  no_worker: "Waiting: this environment has no enabled worker.",
  unreachable: "Waiting for the worker: it cannot be reached.",
  not_ready: "Waiting for the worker: it is not ready.",
  busy: "Waiting for a free slot on the worker.",
  repository_busy: "Waiting for another deployment of this repository to end.",
  github: "Waiting for GitHub: no clone token could be made.",
};

/** Found again by this, whatever else is lost. It says nothing about who wrote it: that is the App's id at GitHub. */
export function commentMarker(siteId: bigint): string {
  return `<!-- catapult site ${siteId} -->`;
}

/**
 * The whole comment, from the state alone. No title and no branch is ever in it; what comes from a build stands in code that it cannot end.
 */
export function renderComment(state: CommentState): string {
  const parts = [commentMarker(state.siteId), ...renderBody(state)];
  const body = parts.join("\n\n");
  if (body.length <= maxLength) return body;
  return [commentMarker(state.siteId), ...renderBody({ ...state, logTail: shorten(state.logTail, state) })].join("\n\n");
}

function renderBody(state: CommentState): string[] {
  const { newest } = state;
  if (state.siteState === "removing") return ["**Removing the preview…**"];
  if (state.siteState === "removed") return ["**Preview removed.**"];
  if (state.siteState === "evicted") {
    return [
      "**Preview removed to make room on the server.**",
      "The next push to this pull request brings it back; so does closing and reopening it.",
    ];
  }
  if (newest === null) return ["**Waiting for a commit.**"];
  if (newest.state === "succeeded") return [`**Ready:** ${state.url}`, details(newest), ...renderCut(state.logTail)];
  if (newest.state === "held") return renderHeld(state, newest);
  if (newest.state === "failed")
    return [`**Failed.** ${liveSentence(state)}`, details(newest), ...renderFailure(newest, state.logTail)];
  if (newest.state === "canceled") return [`**Canceled.** ${liveSentence(state)}`, details(newest)];
  if (newest.state === "lost") return [`**Stopped.** ${lostSentence(newest)} ${liveSentence(state)}`.trimEnd(), details(newest)];
  if (newest.state === "superseded") return [`**Stopped.** ${liveSentence(state)}`, details(newest)];
  const waiting = renderWaiting(newest.waiting, state.notReadyReason ?? null);
  return ["**Building…**", ...(waiting === undefined ? [] : [waiting]), details(newest), liveSentence(state)].filter(
    (part) => part !== "",
  );
}

function renderWaiting(waiting: string | null, notReadyReason: string | null): string | undefined {
  const sentence = waiting === null ? undefined : waitingFor[waiting];
  if (waiting !== "not_ready" || notReadyReason === null) return sentence;
  return `${sentence} It says: ${inlineCode(notReadyReason, 300)}`;
}

/** The command stands alone in a block, to be copied as it is: its first line must be exactly that. */
function renderHeld(state: CommentState, newest: CommentDeployment): string[] {
  return [
    "**Held:** this pull request comes from a fork, and its code is not built unseen.",
    "Someone with write permission who has looked at this commit can have it built, by a comment of this line:",
    codeBlock([`/catapult approve ${newest.commit}`]),
    "Each further push waits for an approval of its own.",
    ...(state.live === null ? [] : [liveSentence(state)]),
  ];
}

/** A worker's last word on a log that it cut. A build may say the same; it stands in code either way. */
function renderCut(logTail: readonly string[]): string[] {
  const said = logTail.findLast((line) => line.startsWith("[The log was longer than its limit of "));
  return said === undefined ? [] : [inlineCode(said.slice(1, -1), 300)];
}

function renderFailure(newest: CommentDeployment, logTail: readonly string[]): string[] {
  if (newest.failure === null) return [];
  const { stage, reason, message } = newest.failure;
  const parts = [`Stage: ${inlineCode(stage, 64)}, reason: ${inlineCode(reason, 64)}`];
  if (message.trim() !== "") parts.push(codeBlock(message.slice(0, 4000).split("\n")));
  const tail = logTail.slice(-tailLines);
  if (tail.length > 0)
    parts.push(`<details><summary>The last ${tail.length} lines of the log</summary>\n\n${codeBlock(tail)}\n\n</details>`);
  return parts;
}

function details(deployment: CommentDeployment): string {
  const duration = deployment.durationMs === null ? "" : `, ${formatDuration(deployment.durationMs)}`;
  return `Commit ${deployment.commit}${duration}${approvedBy(deployment.approval)}`;
}

/** As code, so that nobody is mentioned. */
function approvedBy(approval: CommentDeployment["approval"]): string {
  if (approval === null) return "";
  return `, approved by ${approval.kind === "token" ? "the token " : ""}${inlineCode(approval.approver, 100)}`;
}

function liveSentence(state: CommentState): string {
  return state.live === null ? "" : `${state.url} serves ${state.live.commit.slice(0, 8)}.`;
}

/** Seen only of a deployment that has no successor. */
function lostSentence({ timesLost }: CommentDeployment): string {
  const times = timesLost === 1 ? "" : ` ${timesLost} times`;
  return `The worker was lost${times} while it deployed this commit, so that it is tried again only after a pause. Push again to go on at once.`;
}

function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Drops log lines from the front until the rest fits beside everything else. */
function shorten(logTail: readonly string[], state: CommentState): string[] {
  const room = maxLength - renderBody({ ...state, logTail: [] }).join("\n\n").length - 1_000;
  const kept: string[] = [];
  let used = 0;
  for (const line of logTail.slice(-tailLines).toReversed()) {
    const short = line.slice(0, 1_000);
    if (used + short.length + 1 > room) break;
    used += short.length + 1;
    kept.unshift(short);
  }
  return kept;
}
