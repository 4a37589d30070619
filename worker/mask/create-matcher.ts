export type Matcher = {
  /** The state after one more UTF-16 unit; 0 is the start. */
  step(state: number, unit: number): number;
  /** The length of the longest text that ends in this state; 0: none. */
  found(state: number): number;
  /** How many units at the end could still become one of the texts. */
  pending(state: number): number;
};

/**
 * Finds many texts at once in one pass: Aho and Corasick's automaton. Its arrays take about 24 bytes for each unit of the texts, however they
 * share their beginnings; a step costs the same whether there are two texts or two thousand.
 */
export function createMatcher(texts: readonly string[]): Matcher {
  const size = texts.reduce((sum, text) => sum + text.length, 1);
  const units = new Uint16Array(size);
  const firstChild = new Int32Array(size);
  const nextSibling = new Int32Array(size);
  const fallback = new Int32Array(size);
  const depth = new Int32Array(size);
  const longest = new Int32Array(size);
  const open = new Int32Array(size);
  // The start has a child for each first unit, all others mostly one.
  const starts = new Map<number, number>();
  let nodes = 1;

  const child = (node: number, unit: number): number => {
    if (node === 0) return starts.get(unit) ?? 0;
    let candidate = firstChild[node]!;
    while (candidate !== 0 && units[candidate] !== unit) candidate = nextSibling[candidate]!;
    return candidate;
  };
  const add = (parent: number, unit: number): number => {
    const node = nodes++;
    units[node] = unit;
    depth[node] = depth[parent]! + 1;
    if (parent === 0) starts.set(unit, node);
    else {
      nextSibling[node] = firstChild[parent]!;
      firstChild[parent] = node;
    }
    return node;
  };
  const step = (from: number, unit: number): number => {
    let state = from;
    for (;;) {
      const next = child(state, unit);
      if (next !== 0 || state === 0) return next;
      state = fallback[state]!;
    }
  };

  for (const text of texts) {
    let node = 0;
    for (let at = 0; at < text.length; at++) node = child(node, text.charCodeAt(at)) || add(node, text.charCodeAt(at));
    if (node !== 0) longest[node] = depth[node]!;
  }
  // By depth, so that what a fallback is made of is there before it.
  const queue = [...starts.values()];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at]!;
    // Of a text that is whole nothing is open, unless a longer one begins with it.
    open[node] = firstChild[node] === 0 ? open[fallback[node]!]! : depth[node]!;
    for (let next = firstChild[node]!; next !== 0; next = nextSibling[next]!) {
      fallback[next] = step(fallback[node]!, units[next]!);
      longest[next] ||= longest[fallback[next]!]!;
      queue.push(next);
    }
  }
  return { step, found: (state) => longest[state]!, pending: (state) => open[state]! };
}
