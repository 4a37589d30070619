import type { Releasers } from "#common/lifecycle.ts";
import type { Steps } from "./print-steps.ts";

/** What every part of a start is given. */
export type Start = {
  repositoryRoot: string;
  stateDir: string;
  /** The caller's environment, without what it has from this state folder's own env file. */
  env: NodeJS.ProcessEnv;
  steps: Steps;
  /** Appends to the log file of this name. */
  logTo: (name: string) => (line: string) => void;
  /** Each part's orderly end, pushed as soon as it runs. */
  releasers: Releasers;
  /** Each part's end at once. */
  emergencies: (() => void)[];
  /** A part that should run on ended by itself. */
  fail: (error: Error) => void;
  /** Aborts when `up` is asked to stop. */
  signal: AbortSignal;
};
