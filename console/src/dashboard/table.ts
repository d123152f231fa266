// Grafana's transformations, those that our tables use: the lint allows no others.
import { histogramText } from "./look";
import type { Named } from "./query";
import type { Panel } from "./model";

export type Cell = string | number | null;
export interface Column {
  field: string; // before it was renamed
  name: string;
}
export interface Table {
  columns: Column[];
  rows: Map<string, Cell>[]; // by field
}

export const transformations = ["joinByField", "filterFieldsByName", "organize", "merge", "sortBy"];

/** One table a query, as Grafana makes it of an instant vector. */
function frames(panel: Panel, series: Named[]): Table[] {
  const several = (panel.targets?.length ?? 0) > 1;
  return (panel.targets ?? []).map((target) => {
    const own = series.filter((s) => s.refId === target.refId);
    const value = several ? "Value #" + target.refId : "Value";
    const names = [...new Set(own.flatMap((s) => Object.keys(s.labels)))].sort();
    const rows = own.map((s) => {
      const row = new Map<string, Cell>([["Time", (s.times[s.times.length - 1] ?? 0) * 1000]]);
      for (const n of names) row.set(n, s.labels[n] ?? "");
      const shape = s.histograms?.[s.histograms.length - 1];
      return row.set(value, shape ? histogramText(shape, panel.fieldConfig?.defaults.unit) : (s.values[s.values.length - 1] ?? null));
    });
    return { columns: ["Time", ...names, value].map((n) => ({ field: n, name: n })), rows };
  });
}

function join(tables: Table[], by: string): Table {
  const filled = tables.filter((t) => t.columns.some((c) => c.field === by));
  const columns: Column[] = [{ field: by, name: by }];
  const keys: Cell[] = [];
  const seen = new Map<string, number>();
  const renamed = filled.map((t) => {
    const names = new Map<string, string>();
    for (const { field } of t.columns) {
      if (field === by) continue;
      const n = (seen.get(field) ?? 0) + 1;
      seen.set(field, n);
      names.set(field, n === 1 ? field : `${field} ${n}`);
      columns.push({ field: names.get(field)!, name: names.get(field)! });
    }
    for (const r of t.rows) if (!keys.includes(r.get(by) ?? null)) keys.push(r.get(by) ?? null);
    return names;
  });
  const rows = keys.flatMap((key) => {
    let combined = [new Map<string, Cell>([[by, key]])];
    filled.forEach((t, i) => {
      const own = t.rows.filter((r) => r.get(by) === key);
      if (!own.length) return;
      combined = combined.flatMap((left) =>
        own.map((right) => {
          const row = new Map(left);
          for (const [field, name] of renamed[i]!) row.set(name, right.get(field) ?? null);
          return row;
        }),
      );
    });
    return combined;
  });
  return { columns, rows };
}

/** Rows that agree in all fields both have become one. */
function merge(tables: Table[]): Table {
  const fields = [...new Set(tables.flatMap((t) => t.columns.map((c) => c.field)))];
  const rows: Map<string, Cell>[] = [];
  for (const row of tables.flatMap((t) => t.rows)) {
    const hit = rows.find((r) => [...row].every(([k, v]) => k === "Time" || !r.has(k) || r.get(k) === v));
    if (hit) for (const [k, v] of row) hit.set(k, v);
    else rows.push(new Map(row));
  }
  return { columns: fields.map((f) => ({ field: f, name: f })), rows };
}

export function tabulate(panel: Panel, series: Named[]): Table {
  let tables = frames(panel, series);
  for (const { id, options } of panel.transformations ?? []) {
    if (id === "joinByField") tables = [join(tables, options.byField as string)];
    else if (id === "merge") tables = [merge(tables)];
    else tables = tables.map((t) => apply(t, id, options));
  }
  const table = tables[0] ?? { columns: [], rows: [] };
  return { ...table, columns: table.columns.filter((c) => c.field !== "Time" && !/^Time \d+$/.test(c.field)) };
}

function apply(t: Table, id: string, options: Record<string, unknown>): Table {
  if (id === "filterFieldsByName") {
    const include = options.include as { pattern?: string; names?: string[] } | undefined;
    const pattern = include?.pattern ? new RegExp(include.pattern) : undefined;
    return { ...t, columns: t.columns.filter((c) => (pattern ? pattern.test(c.field) : (include?.names ?? []).includes(c.field))) };
  }
  if (id === "organize") {
    const o = options as { excludeByName?: Record<string, boolean>; indexByName?: Record<string, number>; renameByName?: Record<string, string> };
    const at = (c: Column) => o.indexByName?.[c.field] ?? Number.MAX_SAFE_INTEGER;
    return {
      rows: t.rows,
      columns: t.columns
        .filter((c) => !o.excludeByName?.[c.field])
        .map((c) => ({ field: c.field, name: o.renameByName?.[c.field] || c.name }))
        .sort((a, b) => at(a) - at(b)),
    };
  }
  if (id === "sortBy") {
    const sort = (options.sort as { field: string; desc?: boolean }[] | undefined)?.[0];
    const field = sort && t.columns.find((c) => c.name === sort.field || c.field === sort.field)?.field;
    return field ? { ...t, rows: sorted(t.rows, field, sort.desc ?? false) } : t;
  }
  return t;
}

export function sorted(rows: Map<string, Cell>[], field: string, desc: boolean): Map<string, Cell>[] {
  const sign = desc ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a.get(field) ?? null, b.get(field) ?? null];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1; // what is missing comes last
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  });
}
