import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import type { Masker } from "#worker/mask/create-masker.ts";
import type { BuildLimits } from "./limits.ts";
import type { Egress } from "./parse-egress.ts";

/** What is known before the source is: enough to set the sandbox up while the clone still runs. */
export type SandboxSetup = {
  podman: Dockerode;
  /** A tag, or the id of the image that was proven. It is resolved once for each sandbox, and all of that runs by the id. */
  imageReference: string;
  limits: BuildLimits;
  /** IPv4 addresses of the resolvers that the build may ask, on port 53 and nothing else. They may be private. */
  dns: readonly string[];
  /** Certificates that the build trusts beside the image's own. */
  caFile?: string;
  /** A profile on Podman's host; its default otherwise. */
  seccompProfile?: string;
  /** Marks all that is made, so that sweepSandboxes finds it. */
  networkName: string;
  labels: Readonly<Record<string, string>>;
  signal: AbortSignal;
};

/** All of a sandbox that no one build's particulars go into. */
export type HolderSetup = Omit<SandboxSetup, "signal">;

export type Devshell = "sveltekit" | "vite" | "zola" | "default";

/** One build in a sandbox. */
export type SandboxRun = {
  /** A tar of the tree at the commit, without .git. */
  writeSource: () => Readable;
  /** Where the command runs, relative to the tree's top; '' or '.' is the top. */
  rootDir: string;
  command: string;
  /** Relative to rootDir. */
  outputDir: string;
  /** Used if the repository has no flake with a dev shell of its own. */
  devshell: Devshell;
  /** Seen by the command. Kept out of the container's settings, which lie on the disk. */
  environment: Readonly<Record<string, string>>;
  /** Secret: handed over in a file on the build's own disk in memory, and seen by the command alone, not by what makes its shell. */
  variables?: Readonly<Record<string, string>>;
  /** Masks what the output must not hold, before any of it is kept. */
  masker?: Masker;
  /** A tar that is put where package managers keep their caches. */
  cache?: { seed?: () => Readable };
  /** One line of output: without control characters, at most 4000 characters. */
  onLine: (line: string) => void;
};

export type SandboxRequest = SandboxSetup & SandboxRun;

/** Milliseconds by the monotonic clock. */
export type SandboxTimings = {
  /** Until network, holder and container stood. */
  prepareMs: number;
  /** Putting source, cache and settings in. */
  putMs: number;
  /** From the container's start to its end. */
  buildMs: number;
};

export type FailureReason =
  | "canceled"
  | "command_failed"
  | "deadline_exceeded"
  | "disk_full"
  | "image_missing"
  | "isolation_not_proven"
  | "no_dev_shell"
  | "out_of_memory"
  | "output_empty"
  | "output_missing"
  | "output_not_folder"
  | "output_outside"
  | "root_dir_missing"
  | "sandbox_failed"
  | "too_many_processes"
  | "tool_missing";

/** `sandbox`: the surroundings could not be made. `build`: the repository's part of it failed. */
export type SandboxFailure = { stage: "sandbox" | "build"; reason: FailureReason; message: string };

/** Where the build's packets went, the most bytes first; undefined: it could not be told. It never rejects. */
type WithEgress = { egress?: Promise<readonly Egress[] | undefined> };

export type SandboxResult =
  | (WithEgress & {
      ok: true;
      imageId: string;
      /** A tar of the output folder's content. Untrusted: names, links, types and modes are whatever the build left. */
      output: Readable;
      /** A tar of the package managers' caches. Untrusted. To be read before `release`. */
      cache(signal?: AbortSignal): Promise<Readable>;
      timings: SandboxTimings;
      /** Removes all that is left; to be called when output and cache have been read, or are not wanted. */
      release(): Promise<void>;
    })
  | (WithEgress & { ok: false; imageId: string; failure: SandboxFailure });
