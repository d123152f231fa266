// Runs a panel's targets.
import { lokiInstant, lokiRange, queryLines, type Line } from "../api/loki";
import { queryInstant, queryRange } from "../api/prometheus";
import { legend, type Series } from "../api/series";
import type { Range } from "../format/time";
import { parseDuration } from "../format/time";
import type { Dashboard, Panel, Target } from "./model";
import { builtins, metricStep, stepFor } from "./step";
import { interpolate, type Scope } from "./variables";

export interface Named extends Series {
  name: string;
  refId: string;
}

export interface Data {
  series: Named[];
  lines: Line[];
  range: Range;
  step: number;
}

export interface Context {
  dashboard: Dashboard;
  values: Record<string, string[]>;
  range: Range;
}

export function scopeOf(c: Context, step: number): Scope {
  return {
    variables: c.dashboard.templating?.list ?? [],
    values: c.values,
    builtin: builtins(c.range.from, c.range.to, step),
  };
}

export async function runPanel(panel: Panel, c: Context, width: number, signal: AbortSignal): Promise<Data> {
  const points = panel.maxDataPoints ?? Math.max(50, Math.floor(width / 2));
  const metrics = (panel.targets ?? []).some((t) => (t.datasource ?? panel.datasource)?.type !== "loki");
  const step = (metrics ? metricStep : stepFor)(c.range.to - c.range.from, points, parseDuration(panel.interval ?? ""));
  const scope = scopeOf(c, step);
  const parts = await Promise.all((panel.targets ?? []).map((target) => runTarget(panel, target, c, scope, step, signal)));
  return { series: parts.flatMap((p) => p.series), lines: parts.flatMap((p) => p.lines), range: c.range, step };
}

async function runTarget(panel: Panel, target: Target, c: Context, scope: Scope, step: number, signal: AbortSignal): Promise<{ series: Named[]; lines: Line[] }> {
  const expr = interpolate(target.expr, scope);
  const source = (target.datasource ?? panel.datasource)?.type;
  const { from, to } = c.range;
  if (panel.type === "logs") return { series: [], lines: await queryLines(expr, from, to, target.maxLines ?? 200, "backward", signal) };
  const instant = target.instant || target.queryType === "instant";
  // Steps begin at whole multiples, as Grafana aligns them: neighbours then share their points.
  const start = Math.floor(from / step) * step;
  const series =
    source === "loki"
      ? instant
        ? await lokiInstant(expr, to, signal)
        : await lokiRange(expr, start, to, step, signal)
      : instant
        ? await queryInstant(expr, to, signal)
        : await queryRange(expr, start, to, step, signal);
  return { series: series.map((s) => ({ ...s, name: legend(target.legendFormat ?? "", s.labels), refId: target.refId })), lines: [] };
}
