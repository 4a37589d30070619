const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * The little markdown that a comment needs, on escaped text: headings, lists, tables, fences, bold, code, links to http and https, and
 * `<details>` with its summary. Everything else is shown as it was written; HTML comments are hidden, as at GitHub.
 */
export function renderMarkdown(source: string): string {
  const output: string[] = [];
  const lines = source.replaceAll(/<!--[\s\S]*?-->/g, "").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const fence = /^ {0,3}(`{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      const code: string[] = [];
      while (++index < lines.length && !(lines[index] ?? "").trim().startsWith(fence)) code.push(lines[index] ?? "");
      output.push(`<pre><code>${escapeHtml(code.join("\n"))}</code></pre>`);
    } else if (line.startsWith("|")) {
      const rows: string[] = [];
      for (; (lines[index] ?? "").startsWith("|"); index++) rows.push(lines[index] ?? "");
      index--;
      output.push(renderTable(rows));
    } else output.push(renderLine(line));
  }
  return output.join("\n");
}

function renderLine(line: string): string {
  const trimmed = line.trim();
  if (trimmed === "") return "";
  if (trimmed === "<details>" || trimmed === "</details>") return trimmed;
  const summary = /^(<details>)?<summary>(.*)<\/summary>$/.exec(trimmed);
  if (summary !== null) return `${summary[1] ?? ""}<summary>${renderInline(summary[2] ?? "")}</summary>`;
  const heading = /^(#{1,6}) (.*)$/.exec(trimmed);
  if (heading !== null) return `<h${heading[1]?.length}>${renderInline(heading[2] ?? "")}</h${heading[1]?.length}>`;
  const item = /^[-*] (.*)$/.exec(trimmed);
  if (item !== null) return `<ul><li>${renderInline(item[1] ?? "")}</li></ul>`;
  return `<p>${renderInline(trimmed)}</p>`;
}

const cells = (row: string) => row.replaceAll(/^\||\|\s*$/g, "").split("|");

function renderTable(rows: string[]): string {
  const shown = rows.filter((row) => !/^[|\s:-]+$/.test(row));
  return `<table>${shown
    .map(
      (row) =>
        `<tr>${cells(row)
          .map((cell) => `<td>${renderInline(cell.trim())}</td>`)
          .join("")}</tr>`,
    )
    .join("")}</table>`;
}

const inline = /(`+)(.+?)\1|\*\*(.+?)\*\*|\[([^\]]*)\]\((https?:\/\/[^\s()<>"]+)\)|<?(https?:\/\/[^\s<>"()]+)>?/g;

function renderInline(text: string): string {
  let output = "";
  let done = 0;
  for (const match of text.matchAll(inline)) {
    output += escapeHtml(text.slice(done, match.index));
    const [, , code, bold, label, target, bare] = match;
    if (code !== undefined) output += `<code>${escapeHtml(code)}</code>`;
    else if (bold !== undefined) output += `<strong>${renderInline(bold)}</strong>`;
    else
      output += `<a rel="nofollow noreferrer" href="${escapeHtml(target ?? bare ?? "")}">${escapeHtml(label ?? bare ?? "")}</a>`;
    done = match.index + match[0].length;
  }
  return output + escapeHtml(text.slice(done));
}
