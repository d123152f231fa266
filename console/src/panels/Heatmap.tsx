// A histogram over time: one column a step, one row a bucket, darker for more.
import { useEffect, useRef } from "preact/hooks";
import { inRows, rows } from "../api/histogram";
import { number } from "../api/series";
import { resolve } from "../dashboard/look";
import { clock } from "../format/time";
import { format } from "../format/units";
import type { Named } from "../dashboard/query";
import { NoData, type ViewProps } from "./Panel";

interface Buckets {
  bounds: number[]; // upper, ascending
  times: number[];
  counts: number[][]; // by time, by bucket
}

/** Native histograms, added up, or else cumulative series by le become counts a bucket. */
export function buckets(series: Named[]): Buckets {
  const shapes = series.flatMap((s) => (s.histograms ?? []).flatMap((h, i) => (h ? [{ t: s.times[i]!, h }] : [])));
  if (shapes.length) {
    const bounds = rows(shapes.map((x) => x.h));
    const columns = new Map<number, number[]>();
    for (const { t, h } of shapes) {
      const counts = inRows(h, bounds);
      const there = columns.get(t);
      columns.set(t, there ? there.map((n, i) => n + counts[i]!) : counts);
    }
    const times = [...columns.keys()].sort((a, b) => a - b);
    return { bounds, times, counts: times.map((t) => columns.get(t)!) };
  }
  const sorted = series.filter((s) => "le" in s.labels).sort((a, b) => number(a.labels.le!) - number(b.labels.le!));
  const times = [...new Set(sorted.flatMap((s) => s.times))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const counts = times.map(() => sorted.map(() => 0));
  sorted.forEach((s, b) => s.times.forEach((t, i) => (counts[at.get(t)!]![b] = s.values[i] ?? 0)));
  for (const row of counts) for (let b = row.length - 1; b > 0; b--) row[b] = Math.max(0, row[b]! - row[b - 1]!);
  return { bounds: sorted.map((s) => number(s.labels.le!)), times, counts };
}

export function Heatmap({ panel, data, width, height }: ViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const h = buckets(data.series);
  const unit = panel.fieldConfig?.defaults.unit;
  const left = 60;
  const bottom = 18;
  useEffect(() => {
    const c = canvas.current;
    if (!c || !h.times.length || !h.bounds.length) return;
    const ratio = devicePixelRatio || 1;
    c.width = width * ratio;
    c.height = height * ratio;
    const g = c.getContext("2d")!;
    g.scale(ratio, ratio);
    const top = h.counts.reduce((most, row) => Math.max(most, ...row), 1e-12);
    const from = data.range.from / 1000;
    const to = data.range.to / 1000;
    const x = (t: number) => left + ((width - left) * (t - from)) / (to - from);
    const rowHeight = (height - bottom) / Math.max(1, h.bounds.length);
    g.fillStyle = resolve("var(--blue)");
    h.counts.forEach((row, i) =>
      row.forEach((n, b) => {
        if (n <= 0) return;
        g.globalAlpha = 0.15 + 0.85 * Math.sqrt(n / top);
        g.fillRect(x(h.times[i]!), height - bottom - (b + 1) * rowHeight, Math.max(1, x(h.times[i]! + data.step / 1000) - x(h.times[i]!) - 1), rowHeight - 1);
      }),
    );
    g.globalAlpha = 1;
    g.fillStyle = resolve("var(--muted)");
    g.font = "11px system-ui, sans-serif";
    const every = Math.max(1, Math.ceil(14 / rowHeight));
    h.bounds.forEach((bound, b) => b % every === 0 && g.fillText(bound === Infinity ? "more" : format(bound, unit), 2, height - bottom - b * rowHeight - 2));
    for (let i = 0; i < 5; i++) g.fillText(clock((from + (i * (to - from)) / 5) * 1000).slice(0, 5), x(from + (i * (to - from)) / 5), height - 4);
  });
  if (!h.times.length || !h.bounds.length) return <NoData panel={panel} />;
  return <canvas ref={canvas} style={{ width: width + "px", height: height + "px" }} role="img" aria-label={`${panel.title}: counts in ${h.bounds.length} buckets over time`} />;
}
