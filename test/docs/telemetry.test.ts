import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Pool } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { createCentralMetrics } from "#central/metrics/create-central-metrics.ts";
import { createWorkerMetrics } from "#worker/metrics/create-worker-metrics.ts";

const folder = join(import.meta.dirname, "../../docs/telemetry");
const files = ["grafana-dashboard.json", "alerts.yml"];
/** What a histogram's name becomes in its series. */
const ends = /_(bucket|sum|count)$/;

let registered: Map<string, string[]>;

beforeAll(async () => {
  // It connects only when it is asked for figures.
  const pool = new Pool({ connectionString: "postgres://nobody@127.0.0.1:1/nothing" });
  const worker = createWorkerMetrics({
    slots: 1,
    running: () => 0,
    isolation: () => undefined,
    disk: { freeBytes: 1, totalBytes: 2, evictedPreviews: 0 },
    routeRepairs: { count: 0 },
  });
  const registries = [createCentralMetrics({ pool }).registry, worker.registry];
  const metrics = registries.flatMap((registry) => registry.getMetricsAsArray());
  registered = new Map(
    metrics.map((metric) => [
      metric.name,
      "labelNames" in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : [],
    ]),
  );
  await pool.end();
});

/** The series that an expression reads, each with the labels that it selects by. */
function readSeries(expression: string): { name: string; labels: string[] }[] {
  return [...expression.matchAll(/\b((?:catapult|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }),
  );
}

async function readExpressions(file: string): Promise<string[]> {
  const text = await readFile(join(folder, file), "utf8");
  if (file.endsWith(".json"))
    return [...text.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, found = ""]) => String(JSON.parse(found)));
  // One line each, quoted as the formatter likes it.
  return [...text.matchAll(/^ +expr: (["']?)(.*)\1$/gm)].map(([, , found = ""]) => found);
}

test("an alert's expression stands on a line of its own", async () => {
  const text = await readFile(join(folder, "alerts.yml"), "utf8");
  expect(await readExpressions("alerts.yml")).toHaveLength(text.match(/- alert:/g)?.length ?? 0);
  expect(text).not.toMatch(/expr: [>|]/);
});

describe.each(files)("%s", (file) => {
  test("reads only metrics that Central or a worker has, by labels that they have", async () => {
    const expressions = await readExpressions(file);
    expect(expressions.length).toBeGreaterThan(10);
    for (const expression of expressions) {
      const series = readSeries(expression);
      expect(series).not.toEqual([]);
      for (const { name, labels } of series) {
        const metric = registered.has(name) ? name : name.replace(ends, "");
        expect([...registered.keys()]).toContain(metric);
        for (const label of labels) expect(registered.get(metric)).toContain(label);
      }
    }
  });
});

test("the dashboard is whole: each panel has its number, place, data source and a query", async () => {
  const dashboard: unknown = JSON.parse(await readFile(join(folder, "grafana-dashboard.json"), "utf8"));
  const target = { expr: expect.any(String) as unknown };
  const source = { type: "prometheus", uid: "${datasource}" };
  const panel = { id: expect.any(Number) as unknown, gridPos: expect.any(Object) as unknown, datasource: source };
  expect(dashboard).toMatchObject({ templating: { list: [{ name: "datasource", type: "datasource" }] } });
  const panels = typeof dashboard === "object" && dashboard !== null && "panels" in dashboard ? dashboard.panels : [];
  if (!Array.isArray(panels)) throw new Error("it has no panels");
  for (const each of panels) {
    expect(each).toMatchObject(panel);
    expect(each).toHaveProperty("targets", expect.arrayContaining([expect.objectContaining(target)]));
  }
  const places = panels.map(({ id, gridPos }: { id: number; gridPos: object }) => [id, JSON.stringify(gridPos)]);
  expect(new Set(places.flat()).size).toBe(places.length * 2);
});

test("every metric of Catapult's own is on the dashboard", async () => {
  const shown = (await readExpressions("grafana-dashboard.json")).flatMap(readSeries).map(({ name }) => name.replace(ends, ""));
  const own = [...registered.keys()].filter((name) => name.startsWith("catapult_"));
  // It says how old the others are, and is for an alert.
  expect(own.filter((name) => !shown.includes(name))).toEqual(["catapult_database_up"]);
});
