export type EntryHeader = {
  name: string;
  type?: string | null | undefined;
  /** Extended attributes by name. */
  pax: Record<string, unknown>;
};

export type EntryVerdict =
  | { kind: "file" | "folder"; path: string; /** Equal for names that differ only in case or Unicode form. */ twinKey: string }
  | { kind: "left out" }
  | { kind: "refused"; why: string };

/** Names are bounded as ext4 bounds them; deeper trees cost more than they can mean. */
export const nameLimit = 255;
export const depthLimit = 64;
export const pathLimit = 1_024;

// The three pages that the serving rules look for are files or absent.
const pageNames = new Set(["index.html", "200.html", "404.html"]);

/** Decides on one entry of an untrusted tar by its header alone. */
export function judgeEntry(header: EntryHeader): EntryVerdict {
  const { name } = header;
  if (name.includes("\uFFFD") || !name.isWellFormed()) return refused("its name is not UTF-8");
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return refused("its name holds control characters");
  if (name.includes("\\")) return refused("its name holds a backslash");
  if (name.startsWith("/")) return refused("its name is absolute");
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return refused("its name holds ..");
  if (parts.some((part) => isHidden(part))) return { kind: "left out" };
  if (parts.length > depthLimit) return refused(`it lies deeper than ${depthLimit} folders`);
  if (parts.some((part) => Buffer.byteLength(part) > nameLimit)) return refused(`its name is longer than ${nameLimit} bytes`);
  const path = parts.join("/");
  if (Buffer.byteLength(path) > pathLimit) return refused(`its path is longer than ${pathLimit} bytes`);
  if (Object.keys(header.pax).some((key) => key.startsWith("GNU.sparse"))) return refused("it is a sparse file");
  switch (header.type) {
    case "file":
    case "contiguous-file":
      if (path === "") return refused("it has no name");
      return { kind: "file", path, twinKey: foldName(path) };
    case "directory":
      if (pageNames.has(parts.at(-1) ?? "")) return refused("it is a folder where a page is expected");
      return { kind: "folder", path, twinKey: foldName(path) };
    case "symlink":
      return refused("it is a symbolic link");
    case "link":
      return refused("it is a hard link");
    case "fifo":
      return refused("it is a FIFO");
    case "character-device":
    case "block-device":
      return refused("it is a device");
    default:
      return refused("it is neither a file nor a folder");
  }
}

function refused(why: string): EntryVerdict {
  return { kind: "refused", why };
}

/** Dotfiles (.git, .env) are never served, so they never reach a release. */
function isHidden(part: string): boolean {
  return part.startsWith(".") && part !== ".well-known";
}

/** Equal for names that some filesystems and people cannot tell apart. */
export function foldName(path: string): string {
  return path.normalize("NFC").toLowerCase().normalize("NFC");
}
