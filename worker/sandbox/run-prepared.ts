import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { callPodman, readStatusCode } from "#worker/podman/podman-error.ts";
import { expectReadable } from "#worker/podman/expect-stream.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { createBoundedLog, sayLeftOut } from "./bound-log.ts";
import { followOutput } from "./follow-output.ts";
import { measureFiles } from "./measure-files.ts";
import { blamesFiles, nameFailure, parseReport, type BuildEnd } from "./name-failure.ts";
import { packRequest } from "./pack-control.ts";
import type { PreparedSandbox } from "./prepare-sandbox.ts";
import { putArchive } from "./put-archive.ts";
import { readEgress } from "./read-egress.ts";
import { readReport } from "./read-report.ts";
import type { SandboxFailure, SandboxResult, SandboxRun } from "./sandbox-types.ts";
import { createLineSplitter } from "./split-lines.ts";

const callDeadlineMs = 60_000;
/** What the entry script gets to write down why, before it is killed. */
const graceMs = 2000;

/** Puts the source in, runs the command and says what came of it. On a failure the sandbox is gone when this settles; else `release` removes it. */
export async function runPrepared(sandbox: PreparedSandbox, run: SandboxRun): Promise<SandboxResult> {
  const { imageId, setup } = sandbox;
  let keep = false;
  try {
    const putStarted = performance.now();
    await putAll(sandbox, run);
    const buildStarted = performance.now();
    const end = await runBuild(sandbox, run);
    const buildMs = performance.now() - buildStarted;
    // Beside what follows: it takes as long as taking the output out, and the holder has the count.
    const egress = readEgress(sandbox.holder);
    const failure = nameFailure(end, setup.limits, run);
    if (failure !== undefined) {
      const isCut = (await egress) === undefined && (await hasEnded(sandbox.holder));
      return { ok: false, imageId, egress, failure: isCut && failure.reason !== "canceled" ? networkEnded : failure };
    }
    const output = await takeOut(sandbox.holder, "/build/output/site/.");
    keep = true;
    return {
      ok: true,
      imageId,
      egress,
      output,
      cache: async (signal) => takeOut(sandbox.holder, "/build/cache/.", signal),
      timings: { prepareMs: sandbox.prepareMs, putMs: buildStarted - putStarted, buildMs },
      release: async () => {
        await egress;
        await sandbox.release();
      },
    };
  } finally {
    if (!keep) await sandbox.release();
  }
}

const networkEnded: SandboxFailure = {
  stage: "sandbox",
  reason: "sandbox_failed",
  message: "The build's network was cut while it ran: the container that holds its rules ended. Deploy the commit again.",
};

async function hasEnded(holder: Dockerode.Container): Promise<boolean> {
  try {
    return !(await withDeadline(callDeadlineMs, "inspect the holder", holder.inspect())).State.Running;
  } catch (error) {
    // Gone altogether.
    return readStatusCode(error) === 404;
  }
}

async function putAll(sandbox: PreparedSandbox, run: SandboxRun): Promise<void> {
  const { holder, setup } = sandbox;
  const puts = [
    putArchive(holder, "/build", packRequest(run), "keep"),
    putArchive(holder, "/build/source", run.writeSource(), "container"),
  ];
  if (run.cache?.seed !== undefined) puts.push(putArchive(holder, "/build/cache", run.cache.seed(), "container"));
  const canceled = new Promise<void>((resolve) => setup.signal.addEventListener("abort", () => resolve(), { once: true }));
  // A cancel must not wait for a large source; the release that follows ends the call.
  await Promise.race([Promise.all(puts), canceled]);
}

async function runBuild(sandbox: PreparedSandbox, run: SandboxRun): Promise<BuildEnd> {
  const { build, setup } = sandbox;
  const nothing = { status: 0, oomKills: 0, pidRefusals: 0 };
  if (setup.signal.aborted) return { exitCode: 0, ended: "canceled", report: nothing, saidNoSpace: false, ranMs: 0 };
  const log = createBoundedLog(run.onLine);
  let saidNoSpace = false;
  const onLine = (line: string): void => {
    saidNoSpace ||= /\bENOSPC\b|no space left on device/i.test(line);
    log.write(line);
  };
  const lines = { stdout: createLineSplitter(onLine, run.masker), stderr: createLineSplitter(onLine, run.masker) };
  // Attaching makes the process, in the network namespace of the holder that was proven, and is refused where that one does not run.
  // A start without it would have Podman start an ended holder again, and join a network whose rules are not loaded yet.
  const output = await followOutput(build, (name, chunk) => lines[name].write(chunk));
  const guard = guardBuild(sandbox);
  const started = performance.now();
  try {
    await callPodman("start the build", async () => withDeadline(callDeadlineMs, "start the build", build.start()));
    await Promise.race([output.end, guard.killed]);
    const exitCode = await readExit(build, guard.killed);
    lines.stdout.end();
    lines.stderr.end();
    const leftOut = log.end();
    const ranMs = performance.now() - started;
    if (exitCode === 0 && guard.ended() === undefined) {
      if (leftOut !== undefined) run.onLine(sayLeftOut(leftOut));
      return { exitCode, report: nothing, saidNoSpace, ranMs };
    }
    const report = parseReport(await readReport(sandbox.holder));
    const ended = guard.ended();
    const files = blamesFiles(exitCode, saidNoSpace) ? await measureFiles(sandbox.holder) : undefined;
    return {
      exitCode,
      report,
      saidNoSpace,
      ranMs,
      ...(ended === undefined ? {} : { ended }),
      ...(files === undefined ? {} : { files }),
      ...(leftOut === undefined ? {} : { leftOut }),
    };
  } finally {
    guard.stop();
    output.close();
  }
}

type Guard = {
  /** The first reason for which the worker ended the build. */
  ended(): "canceled" | "deadline" | undefined;
  /** Settles when the build was killed and Podman answered: its output may never end if the service is in trouble. */
  killed: Promise<void>;
  stop(): void;
};

/** Ends the build at its deadline, with a moment to say why, and at once when it is canceled. */
function guardBuild(sandbox: PreparedSandbox): Guard {
  const { build, setup } = sandbox;
  let ended: "canceled" | "deadline" | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  const killed = Promise.withResolvers<void>();
  // One that has ended already cannot be killed, and that is an error to Podman.
  const send = async (signal: string): Promise<void> =>
    withDeadline(callDeadlineMs, `send ${signal}`, build.kill({ signal })).then(
      () => undefined,
      () => undefined,
    );
  const kill = (): void => void send("SIGKILL").then(killed.resolve);
  const onDeadline = (): void => {
    ended ??= "deadline";
    graceTimer = setTimeout(kill, graceMs);
    void send("SIGTERM");
  };
  const onAbort = (): void => {
    ended ??= "canceled";
    kill();
  };
  const deadlineTimer = setTimeout(onDeadline, setup.limits.timeoutMs);
  setup.signal.addEventListener("abort", onAbort, { once: true });
  return {
    ended: () => ended,
    killed: killed.promise,
    stop: () => {
      clearTimeout(deadlineTimer);
      clearTimeout(graceTimer);
      setup.signal.removeEventListener("abort", onAbort);
    },
  };
}

/** Inspecting answers at once; waiting polls, at 200 ms and more, so it is left for the case that the container still runs. */
async function readExit(build: Dockerode.Container, killed: Promise<void>): Promise<number> {
  const inspect = async (): Promise<Dockerode.ContainerInspectInfo> =>
    callPodman("inspect the build", async () => withDeadline(callDeadlineMs, "inspect the build", build.inspect()));
  const state = (await inspect()).State;
  if (!state.Running) return state.ExitCode;
  const exited = callPodman("wait for the build", async () => build.wait());
  exited.catch(() => undefined);
  await Promise.race([exited, killed.then(async () => withDeadline(callDeadlineMs, "wait for the killed build", exited))]);
  return (await inspect()).State.ExitCode;
}

async function takeOut(holder: Dockerode.Container, path: string, abortSignal?: AbortSignal): Promise<Readable> {
  const attempt = `take ${path} out of the build`;
  return expectReadable(
    await callPodman(attempt, async () =>
      withDeadline(callDeadlineMs, attempt, holder.getArchive(abortSignal === undefined ? { path } : { path, abortSignal })),
    ),
  );
}
