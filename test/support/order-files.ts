/** What a test file keeps busy: nothing but its process, Podman, a whole stack of daemons, or a Central and the like in its own process. */
export type FileKind = "pure" | "podman" | "stack" | "other";

/** So many files that need no Podman run beside the one that makes the builder image first, on a machine that has none yet. */
const besideImage = 6;

export function kindOf(text: string, isPure: boolean): FileKind {
  if (isPure) return "pure";
  if (/\bstartStack\b|\bstartUp\b|create-world|support\/fault\.ts/.test(text)) return "stack";
  return /podman/i.test(text) ? "podman" : "other";
}

/**
 * Orders files for two workers that each take the next one. One makes the builder image, while the other runs what needs none. Then the files
 * with stacks, which wait for most of their time, come one by one among the others, which are busy for most of theirs: taken longest first, as
 * vitest does, two stacks run beside each other all the time until none is left, and the busy ones among themselves.
 */
export function orderFiles<T extends { kind: FileKind }>(files: readonly T[]): T[] {
  const of = (...kinds: FileKind[]): T[] => files.filter(({ kind }) => kinds.includes(kind));
  const [podman, stacks, others] = [of("podman"), of("stack"), of("other")];
  const image = podman.splice(-1);
  const early = others.splice(0, besideImage);
  return [...image, ...of("pure"), ...early, ...spread(stacks, spread(podman, others))];
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
