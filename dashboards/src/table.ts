// A table: each column the latest values of a query, joined on one label.
import { FieldTextAlignment, TableCellHeight } from "@grafana/grafana-foundation-sdk/common";
import { DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import { PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import * as table from "@grafana/grafana-foundation-sdk/table";
import type { Levels } from "./look";
import type { Of } from "./panels";
import { letter, metrics, now } from "./query";


export interface Column {
  title: string;
  unit?: string;
  expr: string;
  levels?: Levels;
  words?: Record<string, string>; // in the place of values
  hidden?: boolean; // asked for its labels alone
}

export interface Shape {
  labels: Record<string, string>; // the labels that are shown, and their titles; the first is what columns are joined on
  links?: Record<string, string>; // by label: the address behind its cells
  sort?: { by: string; desc: boolean };
}

/** Columns joined on the first of the labels; labels that are not named are hidden. */
export function joined(of: Of, shape: Shape, ...columns: Column[]): table.PanelBuilder {
  const [key = "", ...others] = Object.keys(shape.labels);
  const many = columns.length > 1;
  const value = (i: number) => (many ? "Value #" + letter(i) : "Value");
  const values = columns.flatMap((c, i) => (c.hidden ? [] : [value(i)]));
  const shown = [key, ...values, ...others.map((l) => l + "( [0-9]+)?")];
  const index: Record<string, number> = { [key]: 0 };
  others.forEach((l, i) => (index[l] = i + 1));
  columns.forEach((c, i) => c.hidden || (index[value(i)] = others.length + 1 + i));

  const p = new table.PanelBuilder()
    .title(of.title).description(of.text).datasource(metrics).unit(of.unit ?? "short").noValue(of.none)
    .align(FieldTextAlignment.Auto).filterable(true).showHeader(true).cellHeight(TableCellHeight.Sm);
  columns.forEach((c, i) => p.withTarget(now({ expr: c.expr, legend: c.title }, i, PromQueryFormat.Table)));
  if (many) p.withTransformation({ id: "joinByField", options: { byField: key, mode: "outer" } });
  p.withTransformation({ id: "filterFieldsByName", options: { include: { pattern: `^(${shown.join("|")})$` } } });
  p.withTransformation({
    id: "organize",
    options: {
      excludeByName: {}, indexByName: index,
      renameByName: { ...shape.labels, ...Object.fromEntries(columns.flatMap((c, i) => (c.hidden ? [] : [[value(i), c.title]]))) },
    },
  });
  if (shape.sort) p.withTransformation({ id: "sortBy", options: { sort: [{ field: shape.sort.by, desc: shape.sort.desc }] } });
  for (const [label, url] of Object.entries(shape.links ?? {}))
    p.overrideByName(shape.labels[label] ?? label, [{ id: "links", value: [{ title: "Open", url, targetBlank: false }] }]);
  for (const c of columns.filter((x) => !x.hidden)) p.overrideByName(c.title, properties(c));
  return p;
}

function properties(c: Column): DynamicConfigValue[] {
  const all: DynamicConfigValue[] = [{ id: "unit", value: c.unit ?? "short" }];
  if (c.words)
    all.push({
      id: "mappings",
      value: [{ type: "value", options: Object.fromEntries(Object.entries(c.words).map(([v, text]) => [v, { text }])) }],
    });
  if (c.levels) {
    const [base, ...from] = c.levels;
    all.push(
      { id: "thresholds", value: { mode: "absolute", steps: [{ value: null, color: base }, ...from.map(([value, color]) => ({ value, color }))] } },
      { id: "custom.cellOptions", value: { type: "color-text" } },
    );
  }
  return all;
}
