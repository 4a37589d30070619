import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";
import { CloneError } from "#worker/clone/clone-error.ts";

export type GitLimits = {
  /** The longest that one call may take. */
  timeoutMs: number;
  /** The largest file that git may write, so the largest pack. */
  maxFileBytes: number;
  /** The memory that git may map: an object of a megabyte in the pack can unfold to any size. */
  maxMemoryBytes?: number;
  /** How many files and folders a commit may have. */
  maxEntries?: number;
};

const defaultMaxMemoryBytes = 2 * 2 ** 30;

export type GitCall = {
  gitDir: string;
  args: string[];
  /** Configuration beyond that of `gitConfig`; it goes by environment, so that it is in no argv and no file. */
  config?: [name: string, value: string][];
  environment?: Record<string, string>;
  limits: GitLimits;
  signal: AbortSignal;
};

/**
 * Nothing of the host's or the repository's configuration, no hook, no prompt, no second protocol. fsck refuses `.git` and `..` in trees;
 * blobs above the threshold are streamed instead of held in memory.
 */
const gitConfig: [string, string][] = [
  ["core.hooksPath", "/dev/null"],
  ["core.bigFileThreshold", "16m"],
  ["core.fsmonitor", "false"],
  // Of 2.45 and later; older ones end by a signal when their stack does.
  ["core.maxTreeDepth", "1024"],
  // By default whole packs are mapped, which would count as memory.
  ["core.packedGitLimit", "512m"],
  ["core.packedGitWindowSize", "64m"],
  ["credential.helper", ""],
  ["fetch.fsckObjects", "true"],
  ["fetch.unpackLimit", "1"],
  ["fetch.recurseSubmodules", "false"],
  ["fetch.bundleURI", ""],
  ["gc.auto", "0"],
  ["http.followRedirects", "false"],
  ["maintenance.auto", "false"],
  ["pack.threads", "1"],
  ["protocol.allow", "never"],
  ["safe.directory", "*"],
  ["transfer.bundleURI", "false"],
];

/** A machine that reaches GitHub by a proxy says so in these. */
const proxyNames = ["http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"];

/** Starts git in a process group of its own with a bound on the files it writes; the group is killed at the deadline or by the signal. */
export function startGit(o: GitCall): { child: ChildProcessByStdio<null, Readable, Readable>; done: Promise<void> } {
  o.signal.throwIfAborted();
  const config = [...gitConfig, ...(o.config ?? [])];
  const env: Record<string, string> = {
    ...o.environment,
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_DIR: o.gitDir,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_CONFIG_COUNT: String(config.length),
  };
  for (const [index, [name, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = name;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  for (const name of proxyNames) if (process.env[name] !== undefined) env[name] = process.env[name];
  const blocks = String(Math.ceil(o.limits.maxFileBytes / 512));
  const kibibytes = String(Math.ceil((o.limits.maxMemoryBytes ?? defaultMaxMemoryBytes) / 1_024));
  // Without the trap git would die by a signal that its parent process does not name; so it says "File too large".
  const script = 'trap "" XFSZ; ulimit -c 0 && ulimit -f "$0" && ulimit -v "$1" && shift && exec git "$@"';
  const child = spawn("/bin/sh", ["-c", script, blocks, kibibytes, ...o.args], {
    cwd: o.gitDir,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const done = new Promise<void>((settle, refuse) => {
    const what = `git ${o.args[0]}`;
    let said = "";
    let end: Error | undefined;
    const kill = (reason: Error): void => {
      end ??= reason;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch (error) {
        // The group ended meanwhile.
        end.cause ??= error;
      }
    };
    const onAbort = (): void => kill(o.signal.reason instanceof Error ? o.signal.reason : new Error(`${what} was aborted`));
    o.signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(
      () => kill(new CloneError("deadline_exceeded", `${what} took longer than ${o.limits.timeoutMs / 1_000} s and was ended`)),
      o.limits.timeoutMs,
    );
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    child.once(
      "error",
      (error) => (end ??= new CloneError("git_missing", `git could not be started: ${error.message}`, { cause: error })),
    );
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      o.signal.removeEventListener("abort", onAbort);
      if (end !== undefined) refuse(end);
      else if (code === 0) settle();
      else refuse(describeFailure(what, code ?? signal ?? "?", said, o.limits));
    });
  });
  return { child, done };
}

/** Runs git and gives its output, which may be `maxOutput` bytes long. */
export async function runGit(o: GitCall, maxOutput = 4 * 1024 * 1024): Promise<Buffer> {
  const { child, done } = startGit(o);
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxOutput) chunks.push(chunk);
  });
  await done;
  if (size > maxOutput)
    throw new CloneError("repository_too_large", `git ${o.args[0]} gave ${size} bytes, more than the limit of ${maxOutput}`);
  return Buffer.concat(chunks);
}

function describeFailure(what: string, code: number | string, said: string, limits: GitLimits): CloneError {
  const text = said.trim();
  if (/File too large/i.test(`${text} ${code}`)) {
    return new CloneError(
      "repository_too_large",
      `${what} wrote a file up to its limit of ${limits.maxFileBytes} bytes, and had more to write: the commit is too large`,
    );
  }
  if (/^(fatal|error): .*(No space left on device|Disk quota exceeded)/im.test(text)) {
    return new CloneError("worker_disk_full", `the worker's disk has no room for the clone: ${what} said: ${text}`);
  }
  if (/out of memory|cannot allocate memory|mmap failed/i.test(text)) {
    const bytes = limits.maxMemoryBytes ?? defaultMaxMemoryBytes;
    return new CloneError(
      "repository_too_large",
      `${what} used its memory of ${bytes} bytes, and asked for more: an object is too large`,
    );
  }
  if (code === "SIGSEGV" || code === 139 || /exceeded maximum allowed tree depth/i.test(text)) {
    return new CloneError("repository_malformed", `${what} could not follow the commit's folders: they are too deep`);
  }
  if (/unable to update url base from redirection|redirect/i.test(text)) {
    return new CloneError("redirect_refused", `${what} was redirected, which is not followed: ${text}`);
  }
  if (/not our ref|couldn't find remote ref|no such remote ref|unadvertised object/i.test(text)) {
    return new CloneError("commit_not_found", `${what} did not find the commit: ${text}`);
  }
  if (/Authentication failed|could not read Username|terminal prompts disabled|error: 40[134]|not found/i.test(text)) {
    return new CloneError("access_refused", `${what} was refused by the server: ${text}`);
  }
  if (/did not send all necessary objects/i.test(text)) {
    return new CloneError("commit_mismatch", `${what} got other objects than those of the commit: ${text}`);
  }
  if (/fsck error|error in (object|tree|commit|blob)/i.test(text)) {
    return new CloneError("repository_malformed", `${what} refused the objects: ${text}`);
  }
  if (/early EOF|unexpected disconnect|hung up|transfer closed|invalid index-pack output/i.test(text)) {
    return new CloneError("transfer_broken", `${what} got only a part: ${text}`);
  }
  return new CloneError("git_failed", `${what} ended with ${code}: ${text}`);
}
