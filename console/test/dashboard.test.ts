import { expect, test } from "vitest";
import { inRows, quantile, readHistogram, rows } from "../src/api/histogram";
import { fromMatrix } from "../src/api/series";
import { spans } from "../src/dashboard/annotations";
import { look, threshold } from "../src/dashboard/look";
import type { Panel, Variable } from "../src/dashboard/model";
import { settings } from "../src/dashboard/model";
import type { Named } from "../src/dashboard/query";
import { metricStep, rateInterval, setScrape, stepFor } from "../src/dashboard/step";
import { sorted, tabulate } from "../src/dashboard/table";
import { interpolate, labelValuesQuery, type Scope } from "../src/dashboard/variables";
import { align, bounds, stack } from "../src/panels/TimeSeries";
import { buckets } from "../src/panels/Heatmap";
import { group } from "../src/pages/DashboardPage";

const service: Variable = { name: "service", type: "query", multi: true, includeAll: true, allValue: ".+" };
const install: Variable = { name: "install", type: "query" };
const scope = (values: Record<string, string[]>): Scope => ({ variables: [service, install], values, builtin: { __rate_interval: "1m" } });

test("several values become an expression, one is quoted, all is the dashboard's word for it", () => {
  const q = 'rate(a{s=~"$service"}[$__rate_interval])';
  expect(interpolate(q, scope({ service: ["$__all"] }))).toBe('rate(a{s=~".+"}[1m])');
  expect(interpolate(q, scope({ service: ["a.b"] }))).toBe('rate(a{s=~"a\\\\.b"}[1m])');
  expect(interpolate(q, scope({ service: ["a", "b"] }))).toBe('rate(a{s=~"(a|b)"}[1m])');
  expect(interpolate("${install} $install [[install]] $unknown", scope({ install: ["x"] }))).toBe("x x x $unknown");
});

test("label_values is taken apart", () => {
  expect(labelValuesQuery({ ...service, query: 'label_values(up{job="a,b"}, instance)' })).toEqual({ match: 'up{job="a,b"}', label: "instance" });
  expect(labelValuesQuery({ ...service, query: { query: "label_values(job)" } })).toEqual({ match: "", label: "job" });
  expect(labelValuesQuery({ ...service, query: "query_result(up)" })).toBeNull();
});

test("steps are of the nice ones and never shorter than asked", () => {
  expect(stepFor(3600_000, 400)).toBe(10_000);
  expect(stepFor(3600_000, 400, 60_000)).toBe(60_000);
  expect(stepFor(1000, 400)).toBe(1000);
  setScrape(10_000);
  expect(metricStep(60_000, 400, 0)).toBe(10_000);
  expect(metricStep(60_000, 400, 2000)).toBe(2000);
  expect(rateInterval(1000)).toBe(40_000);
  expect(rateInterval(120_000)).toBe(130_000);
  setScrape(60_000);
  expect(rateInterval(60_000)).toBe(240_000);
  setScrape(0);
  expect(rateInterval(60_000)).toBe(240_000);
});

const thresholds = { mode: "absolute", steps: [{ color: "green", value: null }, { color: "orange", value: 60 }, { color: "red", value: 300 }] };

test("thresholds hold from their value on", () => {
  expect(threshold(59.9, { thresholds })).toBe("green");
  expect(threshold(60, { thresholds })).toBe("orange");
  expect(threshold(1e9, { thresholds })).toBe("red");
  expect(threshold(null, { thresholds })).toBeUndefined();
});

test("mappings go before units, and what is missing says so in the panel's words", () => {
  expect(look(1, { unit: "short", mappings: [{ type: "value", options: { "1": { text: "heard", color: "green" } } }] })).toEqual({ text: "heard", colour: "var(--green)" });
  expect(look(null, { noValue: "never" }).text).toBe("never");
});

test("overrides win over defaults, by name and by expression", () => {
  const panel = { fieldConfig: { defaults: { unit: "s" }, overrides: [{ matcher: { id: "byRegexp", options: "/^err/" }, properties: [{ id: "unit", value: "short" }, { id: "custom.lineWidth", value: 3 }] }] } } as unknown as Panel;
  expect(settings(panel, "errors").unit).toBe("short");
  expect(settings(panel, "errors").custom?.lineWidth).toBe(3);
  expect(settings(panel, "time").unit).toBe("s");
});

const series = (refId: string, labels: Record<string, string>, value: number): Named => ({ refId, labels, name: "", times: [1], values: [value] });

test("tables are joined by a field, with what one side lacks left empty", () => {
  const panel = {
    targets: [{ refId: "A" }, { refId: "B" }],
    transformations: [
      { id: "joinByField", options: { byField: "service", mode: "outer" } },
      { id: "filterFieldsByName", options: { include: { pattern: "^(service|Value.*|version)$" } } },
      { id: "organize", options: { indexByName: { service: 0, "Value #A": 1 }, renameByName: { "Value #A": "Running", service: "Service" } } },
    ],
  } as unknown as Panel;
  const t = tabulate(panel, [series("A", { service: "a", version: "1" }, 2), series("A", { service: "a", version: "2" }, 3), series("B", { service: "b" }, 9)]);
  expect(t.columns.map((c) => c.name)).toEqual(["Service", "Running", "version", "Value #B"]);
  expect(t.rows.map((r) => [r.get("service"), r.get("version"), r.get("Value #A"), r.get("Value #B")])).toEqual([
    ["a", "1", 2, undefined], ["a", "2", 3, undefined], ["b", undefined, undefined, 9],
  ]);
});

test("sorting puts what is missing last, whichever way", () => {
  const rows = [3, null, 1].map((v) => new Map([["x", v]]));
  expect(sorted(rows, "x", false).map((r) => r.get("x"))).toEqual([1, 3, null]);
  expect(sorted(rows, "x", true).map((r) => r.get("x"))).toEqual([3, 1, null]);
});

test("series share one axis and gaps stay gaps", () => {
  const a = { ...series("A", {}, 0), times: [0, 10, 40], values: [1, 2, 3] };
  const [axis, column] = align([a], 10);
  expect(axis).toEqual([0, 10, 20, 40]);
  expect(column).toEqual([1, 2, null, 3]);
});

test("stacked columns add up, hidden ones do not", () => {
  expect(stack([[0, 1], [1, 2], [10, 20], [100, null]], [true, false, true])).toEqual([[0, 1], [1, 2], [10, 20], [101, 2]]);
});

test("axes leave room and keep what is fixed", () => {
  expect(bounds(0, 10, 0)).toEqual([0, 10.8]);
  expect(bounds(0.2, 0.5, 0, 1)).toEqual([0, 1]);
  const [low, high] = bounds(5, 5);
  expect(low).toBeLessThan(5);
  expect(high).toBeGreaterThan(5);
});

test("cumulative buckets become counts", () => {
  const b = (le: string, v: number) => series("A", { le }, v);
  expect(buckets([b("+Inf", 6), b("1", 2), b("2", 5)])).toEqual({ bounds: [1, 2, Infinity], times: [1], counts: [[2, 3, 1]] });
});

test("neighbouring points are one annotation", () => {
  expect(spans([0, 60, 120, 600], [1, 1, 1, 1], 60)).toEqual([[0, 120], [600, 600]]);
});

test("panels belong to the row above them", () => {
  const p = (id: number, type: string, y: number) => ({ id, type, title: "", gridPos: { x: 0, y, w: 1, h: 1 } }) as Panel;
  const got = group([p(1, "row", 0), p(2, "stat", 1), p(3, "row", 5), p(4, "stat", 6)]);
  expect(got.map((s) => [s.row?.id, s.panels.map((x) => [x.id, x.gridPos.y])])).toEqual([[1, [[2, 0]]], [3, [[4, 0]]]]);
});

const shape = (...buckets: [number, string, string, string][]) => ({ count: "12", sum: "3.5", buckets });

test("native histograms are read beside numbers, and drawn in rows", () => {
  const [s] = fromMatrix([{ metric: { a: "b" }, values: [[20, "7"]], histograms: [[10, shape([0, "1", "2", "4"], [0, "0.5", "1", "8"])]] }]);
  expect(s!.times).toEqual([10, 20]);
  expect(s!.values).toEqual([null, 7]);
  expect(s!.histograms![0]!.buckets.map((b) => b.upper)).toEqual([1, 2]);
  expect(fromMatrix([{ metric: {}, histogram: [5, { count: "0", sum: "0" }] }])[0]!.histograms![0]!.buckets).toEqual([]);
  const named: Named[] = [{ ...s!, name: "x", refId: "A" }, { ...s!, name: "y", refId: "A" }];
  expect(buckets(named)).toEqual({ bounds: [1, 2], times: [10], counts: [[16, 8]] });
  expect(align(named, 10)[1]).toEqual([null, 7]);
  const panel = { targets: [{ refId: "A" }], fieldConfig: { defaults: { unit: "s" } } } as unknown as Panel;
  expect(tabulate(panel, [{ ...named[0]!, times: [10], values: [null], histograms: [s!.histograms![0]!] }]).rows[0]!.get("Value")).toBe("12: half up to 875 ms, 95 of 100 up to 1.85 s");
});

test("more buckets than rows share them, and none is lost", () => {
  const many = readHistogram(shape(...Array.from({ length: 160 }, (_, i): [number, string, string, string] => [0, String(i), String(i + 1), "1"])));
  const bounds = rows([many]);
  expect(bounds.length).toBe(40);
  expect(bounds[39]).toBe(160);
  expect(inRows(many, bounds).reduce((a, b) => a + b, 0)).toBe(160);
  expect(inRows(many, bounds).every((n) => n === 4)).toBe(true);
  expect(quantile(many, 0.5)).toBe(80);
  expect(rows([])).toEqual([]);
  expect(buckets([])).toEqual({ bounds: [], times: [], counts: [] });
});
