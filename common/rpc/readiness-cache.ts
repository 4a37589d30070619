/** Asks at most once per `keepMs`, whoever and however many want to know; a look that fails is a no. */
export function createReadinessCache(isReady: () => Promise<boolean>, keepMs: number): () => Promise<boolean> {
  let kept: { answer: Promise<boolean>; until: number } | undefined;
  return async () => {
    const now = performance.now();
    if (kept === undefined || now >= kept.until) {
      const entry = { answer: isReady().catch(() => false), until: Number.POSITIVE_INFINITY };
      kept = entry;
      void entry.answer.then(() => (entry.until = performance.now() + keepMs));
    }
    return kept.answer;
  };
}
