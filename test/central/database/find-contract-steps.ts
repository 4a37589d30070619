/** One statement of a migration: the comment before it, and its words without comments and texts, in lower case. */
type Statement = { comment: string; words: string };

/** A statement that a replica of the version before may not live with, and why it counts as one. */
export type ContractStep = { words: string; why: string };

const rules: [RegExp, string][] = [
  [/^drop\b/, "drops something"],
  [/^(truncate|delete)\b/, "deletes rows"],
  [/^revoke\b/, "takes a right away"],
  [/^create or replace\b/, "replaces what the version before made"],
  [/^alter .*\brename\b/, "renames"],
  [/^alter .*\bset schema\b/, "moves"],
  [/^alter .*\bdrop (?!not null)/, "drops something"],
  [/^alter table .*\balter (column )?\S+ (set data )?type\b/, "changes a type"],
  [/^alter table .*\bset not null\b/, "demands a value"],
  [/^alter table .*\b(enable|force) row level security\b/, "hides rows"],
];

/**
 * What in a migration does more than add. The version before runs beside the new schema while replicas are replaced one after the other: it
 * must find all that it reads, and be able to write all that it writes. A table that the same migration makes is its own.
 */
export function findContractSteps(sql: string): ContractStep[] {
  const statements = readStatements(sql);
  const made = new Set(statements.flatMap(({ words }) => /^create table (?:if not exists )?(\S+)/.exec(words)?.[1] ?? []));
  const columns = statements.flatMap(({ words }) =>
    [...words.matchAll(/\badd column (?:if not exists )?(\w+)/g)].map((match) => match[1] ?? ""),
  );
  return statements.flatMap(({ comment, words }) => {
    const table = /^alter table (?:if exists )?(?:only )?(\S+)|\son (?:only )?([\w.]+)/.exec(words);
    if (made.has(table?.[1] ?? table?.[2] ?? "")) return [];
    const why = judge(words, columns);
    // One on purpose says so, with its reason.
    return why === undefined || /^-- contract: \S/m.test(comment) ? [] : [{ words, why }];
  });
}

function judge(words: string, columns: readonly string[]): string | undefined {
  const rule = rules.find(([pattern]) => pattern.test(words));
  if (rule !== undefined) return rule[1];
  // Rows of the version before leave a new column empty: what only rules its values is no rule for them.
  const namesNewColumn = columns.some((column) => new RegExp(`\\b${column}\\b`).test(words));
  if (words.startsWith("alter table ")) {
    for (const action of words.split(/,(?![^(]*\))/))
      if (/\badd column\b.*\bnot null\b/.test(action) && !/\b(default|generated)\b/.test(action))
        return "demands a value of a column that the version before does not know";
    if (/\badd (constraint \S+ )?(check|unique|primary|foreign|exclude)\b/.test(words) && !namesNewColumn)
      return "adds a rule to what is there";
  }
  if (/^create unique index\b/.test(words) && !namesNewColumn) return "adds a rule to what is there";
  if (/^create (or replace )?(constraint )?trigger .*\bbefore\b/.test(words)) return "may refuse what the version before writes";
  return undefined;
}

/** Splits at the semicolons that are in no text, body or comment. What a `do` block holds counts as statements of the migration. */
function readStatements(sql: string): Statement[] {
  const token = /--[^\n]*|\/\*[^]*?\*\/|'(?:[^']|'')*'|(\$\w*\$)[^]*?\1|;|\s+|[^\s;'$/-]+|[^]/g;
  const found: Statement[] = [];
  let [comment, words] = ["", ""];
  for (const [text] of sql.matchAll(token)) {
    if (text.startsWith("--") || text.startsWith("/*")) {
      if (words.trim() === "") comment += `${text}\n`;
    } else if (text === ";") {
      found.push({ comment, words: words.trim() });
      [comment, words] = ["", ""];
    } else if (/^\$\w*\$/.test(text)) {
      if (/^\s*do\b/.test(words)) found.push(...readBody(text));
      words += " $$ ";
    } else words += text.startsWith("'") ? "''" : text.toLowerCase().replace(/\s+/, " ");
  }
  if (words.trim() !== "") found.push({ comment, words: words.trim() });
  return found;
}

function readBody(text: string): Statement[] {
  const body = text.replace(/^\$\w*\$/, "").replace(/\$\w*\$$/, "");
  return readStatements(body).map(({ comment, words }) => ({ comment, words: words.replace(/^(begin|then|else|loop)\s+/, "") }));
}
