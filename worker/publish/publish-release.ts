import { chmod, lstat, mkdir, mkdtemp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { errorCode } from "#common/error-details.ts";
import { failpoint } from "#common/failpoint.ts";
import { manifestFile, readManifest, type Manifest } from "#worker/publish/manifest.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { removeTree } from "#worker/publish/remove-tree.ts";
import { sitePaths, temporaryPrefix } from "#worker/publish/site-paths.ts";
import { syncFilesystem, syncFolder } from "#worker/publish/sync-folder.ts";
import { unpackOutput, type OutputLimits } from "#worker/publish/unpack-output.ts";

export type PublishRequest = {
  sitesDir: string;
  siteId: bigint;
  release: string;
  /** The release that is live: a file whose content has not changed keeps its mtime, and with it its ETag. */
  previous?: string;
  /** The newest mtime, in seconds, that this site's files have had. New content gets a later one. */
  newestMtime: number;
  tar: () => Promise<Readable> | Readable;
  limits: OutputLimits;
  /** The longest that an output may take; a Podman that stops in the middle of it would keep the slot for ever. */
  deadlineMs?: number;
  signal: AbortSignal;
};

const defaultDeadlineMs = 600_000;

export type Published = { manifest: Manifest; newestMtime: number };

/**
 * Makes a release of an untrusted tar: whole and on the disk under its name, or not at all. A release of that name that is there
 * already is complete, as its folder came by rename; it is kept.
 */
export async function publishRelease(o: PublishRequest): Promise<Published> {
  const paths = sitePaths(o.sitesDir, o.siteId);
  const existing = await findRelease(o.sitesDir, o.siteId, o.release);
  if (existing !== undefined) return { manifest: existing, newestMtime: o.newestMtime };
  await mkdir(paths.releases, { recursive: true });
  await mkdir(paths.manifests, { recursive: true });
  const previous = new Map<string, Manifest["files"][number]>();
  if (o.previous !== undefined)
    for (const file of (await readManifest(paths.manifests, o.previous))?.files ?? []) previous.set(file.path, file);
  // Caddy's ETag is mtime in seconds and size: equal ones for different content would make a browser keep the old page.
  const mtime = Math.max(Math.floor(Date.now() / 1_000), o.newestMtime + 1);
  const temporary = await mkdtemp(join(paths.releases, temporaryPrefix));
  const deadline = startDeadline(o.deadlineMs ?? defaultDeadlineMs);
  const signal = AbortSignal.any([o.signal, deadline.signal]);
  try {
    const { files, bytes } = await unpackOutput(await o.tar(), temporary, {
      limits: o.limits,
      signal,
      mtimeOf(file) {
        const before = previous.get(file.path);
        return before !== undefined && before.size === file.size && before.sha256 === file.sha256 ? before.mtime : mtime;
      },
    });
    const manifest: Manifest = { release: o.release, bytes, files };
    await chmod(temporary, 0o755);
    await writeFile(manifestFile(paths.manifests, o.release), JSON.stringify(manifest));
    await syncFilesystem(temporary);
    await failpoint("publish.before-rename");
    signal.throwIfAborted();
    await rename(temporary, join(paths.releases, o.release));
    await syncFolder(paths.releases);
    await failpoint("publish.after-rename");
    return { manifest, newestMtime: mtime };
  } catch (error) {
    await removeTree(temporary);
    // What was under way fails by the abort, in words of its own.
    throw deadline.signal.aborted && !o.signal.aborted ? deadline.signal.reason : error;
  } finally {
    deadline.stop();
  }
}

function startDeadline(milliseconds: number): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const error = new PublishError(
    "deadline_exceeded",
    `publishing took longer than its limit of ${milliseconds / 1_000} s and was ended: the output did not come to its end`,
  );
  const timer = setTimeout(() => controller.abort(error), milliseconds);
  return { signal: controller.signal, stop: () => clearTimeout(timer) };
}

/** The manifest of a complete release, or undefined. */
export async function findRelease(sitesDir: string, siteId: bigint, release: string): Promise<Manifest | undefined> {
  const paths = sitePaths(sitesDir, siteId);
  const found = await lstat(join(paths.releases, release)).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  return found?.isDirectory() === true ? readManifest(paths.manifests, release) : undefined;
}
