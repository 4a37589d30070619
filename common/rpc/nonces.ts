/** Remembers nonces until they expire. Give it whatever outlives a restart and is shared by replicas. */
export type NonceStore = {
  /** Takes a nonce of a key; false: it was taken before. The store may keep it for longer than `expiresAt`, never shorter. */
  take(kid: string, nonce: string, expiresAt: Date): Promise<boolean>;
};

/**
 * Nonces in memory, for one process whose restarts may forget them. Two sets take turns: a nonce stays for at least one whole `keepMs`, which
 * must reach every `expiresAt` (twice the window of 300 s, and as much again for what lies in between: 20 minutes).
 */
export function createMemoryNonceStore(o: { keepMs?: number; now?: () => number } = {}): NonceStore {
  const keepMs = o.keepMs ?? 20 * 60_000;
  const now = o.now ?? Date.now;
  let current = new Set<string>();
  let previous = new Set<string>();
  let turnedAt = now();

  function turn(): void {
    const elapsed = now() - turnedAt;
    if (elapsed < keepMs) return;
    previous = elapsed < 2 * keepMs ? current : new Set();
    current = new Set();
    turnedAt = now();
  }

  return {
    take(kid, nonce) {
      turn();
      const entry = `${kid};${nonce}`;
      if (current.has(entry) || previous.has(entry)) return Promise.resolve(false);
      current.add(entry);
      return Promise.resolve(true);
    },
  };
}
