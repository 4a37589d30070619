const keepMs = 600_000;
/** When this process began to remove a container, by what it called it. */
const begun = new Map<string, number>();

/** To be called before the call to Podman, whose events may come before its answer. */
export function noteRemoval(nameOrId: string): void {
  const now = performance.now();
  for (const [known, at] of begun) if (now - at > keepMs) begun.delete(known);
  begun.set(nameOrId, now);
}

/** Whether this process removes it, or did lately. The end of any other holder is somebody else's doing. */
export function isOwnRemoval(...namesOrIds: readonly string[]): boolean {
  return namesOrIds.some((each) => begun.has(each));
}
