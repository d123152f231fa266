// The part of Grafana's classic dashboard JSON that the console draws. What is
// not in here is a fault of the dashboards' lint, so nothing is drawn by halves.

export type PanelType = "stat" | "timeseries" | "bargauge" | "table" | "logs" | "state-timeline" | "heatmap" | "text" | "row";

export interface Datasource {
  type: string; // prometheus | loki
  uid: string;
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
  format?: string; // table | heatmap | time_series
  queryType?: string;
  maxLines?: number;
  datasource?: Datasource;
}

export interface Step {
  color: string;
  value: number | null;
}

export interface Thresholds {
  mode: string;
  steps: Step[];
}

export interface Mapping {
  type: string; // value | range | special
  options: Record<string, { text?: string; color?: string }> & { from?: number | null; to?: number | null; result?: { text?: string; color?: string } };
}

export interface DataLink {
  title: string;
  url: string;
}

export interface Defaults {
  unit?: string;
  min?: number;
  max?: number;
  decimals?: number;
  noValue?: string;
  displayName?: string;
  color?: { mode: string; fixedColor?: string };
  thresholds?: Thresholds;
  mappings?: Mapping[];
  links?: DataLink[];
  custom?: {
    fillOpacity?: number;
    lineWidth?: number;
    drawStyle?: string;
    stacking?: { mode: string };
    thresholdsStyle?: { mode: string };
    cellOptions?: { type: string };
    [key: string]: unknown;
  };
}

export interface Override {
  matcher: { id: string; options: string };
  properties: { id: string; value: unknown }[];
}

export interface Panel {
  id: number;
  type: PanelType;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: Datasource;
  targets?: Target[];
  transformations?: { id: string; options: Record<string, unknown> }[];
  fieldConfig?: { defaults: Defaults; overrides: Override[] };
  options?: Record<string, unknown>;
  links?: DataLink[];
  interval?: string;
  maxDataPoints?: number;
  collapsed?: boolean;
  panels?: Panel[];
}

export interface Variable {
  name: string;
  label?: string;
  description?: string;
  type: "datasource" | "query" | "custom" | "textbox" | "constant" | "interval";
  query?: string | { query: string };
  datasource?: Datasource;
  current?: { text: string | string[]; value: string | string[] };
  options?: { text: string; value: string; selected?: boolean }[];
  includeAll?: boolean;
  allValue?: string | null;
  multi?: boolean;
  regex?: string;
  hide?: number;
}

export interface Annotation {
  name: string;
  enable: boolean;
  hide?: boolean;
  iconColor: string;
  expr?: string;
  step?: string;
  titleFormat?: string;
  textFormat?: string;
  datasource?: Datasource;
}

export interface Link {
  title: string;
  type: string; // dashboards | link
  tags?: string[];
  url?: string;
  keepTime?: boolean;
  includeVars?: boolean;
}

export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  tags: string[];
  refresh?: string | boolean;
  time?: { from: string; to: string };
  templating?: { list: Variable[] };
  annotations?: { list: Annotation[] };
  links?: Link[];
  panels: Panel[];
}

/** A field's settings: the panel's defaults with what its overrides say of the name. */
export function settings(panel: Panel, name: string): Defaults {
  const base: Defaults = { ...panel.fieldConfig?.defaults };
  base.custom = { ...base.custom };
  for (const o of panel.fieldConfig?.overrides ?? []) {
    const hit =
      (o.matcher.id === "byName" && o.matcher.options === name) ||
      (o.matcher.id === "byRegexp" && regexp(o.matcher.options).test(name));
    if (!hit) continue;
    for (const { id, value } of o.properties)
      if (id.startsWith("custom.")) base.custom[id.slice(7)] = value;
      else (base as Record<string, unknown>)[id] = value;
  }
  return base;
}

/** "/a.*b/i" or plain "a.*b". */
export function regexp(text: string): RegExp {
  const m = /^\/(.*)\/([a-z]*)$/.exec(text);
  return m ? new RegExp(m[1]!, m[2]) : new RegExp(text);
}

/** What draws the result of a query that is in no dashboard. */
export const plain: Panel = {
  id: 0, type: "timeseries", title: "Result", gridPos: { x: 0, y: 0, w: 24, h: 12 },
  fieldConfig: { defaults: { unit: "short", custom: { fillOpacity: 8 } }, overrides: [] },
};
export const nowhere: Dashboard = { uid: "", title: "", tags: [], panels: [] };
