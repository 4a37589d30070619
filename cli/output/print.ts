import { formatTable } from "./format-table.ts";

/** Prints a list as a table, or as JSON where that was asked for; of an empty one, says so on standard error. */
export function printList<T>(
  items: readonly T[],
  o: { json: boolean | undefined; toJson: (item: T) => unknown; columns: Record<string, (item: T) => string>; none: string },
): void {
  if (o.json === true) {
    printJson(items.map(o.toJson));
  } else if (items.length === 0) {
    process.stderr.write(`${o.none}\n`);
  } else {
    const cells = Object.values(o.columns);
    print(
      formatTable(
        Object.keys(o.columns),
        items.map((item) => cells.map((cell) => cell(item))),
      ),
    );
  }
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A time for a table; an empty text for none. */
export function formatTime(time: Date | null | undefined): string {
  return time?.toISOString().replace(/\.\d+Z$/, "Z") ?? "";
}
