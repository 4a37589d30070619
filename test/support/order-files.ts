/** What a test file keeps busy: nothing but its process, a Central in a process of many files, Podman, a whole stack of daemons, or others. */
export type FileKind = "pure" | "central" | "podman" | "stack" | "other";

export function kindOf(text: string, project: string): FileKind {
  if (project === "pure" || project === "central") return project;
  if (/\bstartStack\b|\bstartUp\b|create-world|support\/fault\.ts/.test(text)) return "stack";
  return /podman/i.test(text) ? "podman" : "other";
}

/**
 * Orders files for workers that each take the next one. One makes the builder image, on a machine that has none yet, while the others run what needs
 * none: files that share a process, which is kept while the next one in line can take it. Then the files with stacks, which wait for most of their
 * time, come one by one among the others, which are busy for most of theirs: taken longest first, as vitest does, stacks run beside each other all
 * the time until none is left, and the busy ones among themselves.
 */
export function orderFiles<T extends { kind: FileKind }>(files: readonly T[]): T[] {
  const of = (...kinds: FileKind[]): T[] => files.filter(({ kind }) => kinds.includes(kind));
  const [podman, stacks, others] = [of("podman"), of("stack"), of("other")];
  const image = podman.splice(-1);
  return [...image, ...of("pure"), ...of("central"), ...spread(stacks, spread(podman, others))];
}

/** Both in their order, the fewer evenly among the more, and one of them first. */
function spread<T>(few: readonly T[], many: readonly T[]): T[] {
  const place = (index: number, count: number): number => index / count;
  const placed = [
    ...few.map((file, index) => ({ file, at: place(index, few.length) })),
    ...many.map((file, index) => ({ file, at: place(index, many.length) })),
  ];
  return placed.toSorted((one, other) => one.at - other.at).map(({ file }) => file);
}
