import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { extract } from "tar-stream";
import { expectReadable } from "#worker/podman/expect-stream.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";

const limit = 4096;

/** What the entry script wrote down, or '' where there is nothing: a build can destroy it, and is then named by its exit status alone. */
export async function readReport(holder: Dockerode.Container): Promise<string> {
  try {
    const tar = expectReadable(await withDeadline(10_000, "read the report", holder.getArchive({ path: "/build/run/report" })));
    return await withDeadline(10_000, "read the report", readFirst(tar));
  } catch {
    return "";
  }
}

async function readFirst(tar: Readable): Promise<string> {
  const entries = extract();
  tar.pipe(entries);
  try {
    for await (const entry of entries) {
      if (entry.header.type !== "file" || (entry.header.size ?? 0) > limit) return "";
      let text = "";
      for await (const chunk of entry) text += Buffer.isBuffer(chunk) ? chunk.toString("latin1") : "";
      return text;
    }
    return "";
  } finally {
    tar.destroy();
  }
}
