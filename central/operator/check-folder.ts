/** Says what is wrong with a folder inside a repository, or nothing. What passes is relative, canonical and stays inside. */
export function checkFolder(folder: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(folder)) return "must not contain control characters";
  if (/[{}\\]/.test(folder)) return "must not contain {, } or \\";
  if (folder.startsWith("/")) return "must be relative, without a leading /";
  if (folder.startsWith("-")) return "must not start with a hyphen";
  const parts = folder.split("/");
  if (parts.includes("..")) return "must not contain ..: it stays inside the repository";
  if (parts.some((part) => part.toLowerCase() === ".git")) return "must not be in .git";
  const canonical = parts.filter((part) => part !== "." && part !== "").join("/");
  if (canonical === "") return "must name a folder; leave it empty for the default";
  if (canonical !== folder) return `must be written without empty or . parts: ${JSON.stringify(canonical)}`;
  if (Buffer.byteLength(folder) > 512) return "must have at most 512 bytes";
  return undefined;
}
