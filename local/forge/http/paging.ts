import type { Answer } from "./answer.ts";
import type { Call } from "./route.ts";

/** One page of a list, with GitHub's Link header. */
export function paginate<T>(
  call: Call,
  items: readonly T[],
  render: (item: T) => unknown,
  wrap: (page: unknown[]) => unknown = (page) => page,
): Answer {
  const size = pageSize(call);
  const last = Math.max(1, Math.ceil(items.length / size));
  const page = Math.max(1, Number.parseInt(call.query.get("page") ?? "1", 10) || 1);
  const shown = items.slice((page - 1) * size, page * size).map(render);
  const links: string[] = [];
  const link = (to: number, relation: string) => {
    const url = new URL(call.url);
    url.searchParams.set("page", String(to));
    links.push(`<${url.href}>; rel="${relation}"`);
  };
  if (page > 1) link(Math.min(page - 1, last), "prev");
  if (page < last) {
    link(page + 1, "next");
    link(last, "last");
  }
  if (page > 1) link(1, "first");
  return { status: 200, body: wrap(shown), headers: links.length === 0 ? {} : { link: links.join(", ") } };
}

export function pageSize(call: Call): number {
  return Math.min(100, Math.max(1, Number.parseInt(call.query.get("per_page") ?? "30", 10) || 30));
}
