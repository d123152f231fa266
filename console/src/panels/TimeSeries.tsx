// Lines, areas and bars over time, drawn by uPlot; cursors are shared by all
// panels of a dashboard, and dragging narrows the time for all of them.
import uPlot from "uplot";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { classic, colour, last, look, resolve } from "../dashboard/look";
import { settings } from "../dashboard/model";
import type { Named } from "../dashboard/query";
import { clock, dateTime } from "../format/time";
import { format } from "../format/units";
import { setParams } from "../route";
import { Heatmap } from "./Heatmap";
import { NoData, type ViewProps } from "./Panel";

const maxSeries = 100;

/** Series on one time axis, with gaps where a series has nothing. */
export function align(series: Named[], step: number): uPlot.AlignedData {
  const times = [...new Set(series.flatMap((s) => s.times))].sort((a, b) => a - b);
  const gaps: number[] = [];
  times.forEach((t, i) => i > 0 && t - times[i - 1]! > 1.5 * step && gaps.push(times[i - 1]! + step));
  const axis = gaps.length ? [...times, ...gaps].sort((a, b) => a - b) : times;
  const at = new Map(axis.map((t, i) => [t, i]));
  const columns = series.map((s) => {
    const column: (number | null)[] = new Array(axis.length).fill(null);
    s.times.forEach((t, i) => {
      const v = s.values[i] ?? null;
      column[at.get(t)!] = v !== null && Number.isFinite(v) ? v : null;
    });
    return column;
  });
  return [axis, ...columns];
}

/** Each column on top of those before it. */
export function stack(data: uPlot.AlignedData, shown: boolean[]): uPlot.AlignedData {
  const sum: number[] = new Array(data[0].length).fill(0);
  return data.map((column, i) => {
    if (i === 0 || !shown[i - 1]) return column;
    return Array.from(column as (number | null)[], (v, x) => (v === null && sum[x] === 0 ? null : (sum[x] = sum[x]! + (v ?? 0))));
  }) as uPlot.AlignedData;
}

/** Lines of numbers; a query that gives histograms is drawn as what it is. */
export function TimeSeries(props: ViewProps) {
  return props.data.series.some((s) => s.histograms) ? <Heatmap {...props} /> : <Lines {...props} />;
}

function Lines({ panel, data, marks, width, height }: ViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());

  const d = panel.fieldConfig?.defaults ?? {};
  const series = useMemo(() => data.series.slice(0, maxSeries), [data]);
  const colours = series.map((s, i) => {
    const own = settings(panel, s.name).color;
    return own?.mode === "fixed" ? colour(own.fixedColor) : classic(i);
  });
  const shown = series.map((s) => !hidden.has(s.name));
  const stacked = d.custom?.stacking?.mode === "normal";
  const legendHeight = Math.min(3, Math.ceil((series.length * 130) / Math.max(1, width))) * 20 + 4;
  const plotHeight = Math.max(60, height - legendHeight);

  useEffect(() => {
    const el = host.current;
    if (!el || !series.length || width < 40) return;
    const raw = align(series, data.step / 1000);
    const drawn = stacked ? stack(raw, shown) : raw;
    const muted = resolve("var(--muted)");
    const grid = { stroke: resolve("var(--line)"), width: 1 };
    const bars = d.custom?.drawStyle === "bars" ? uPlot.paths.bars!({ size: [0.8, 40] }) : undefined;
    const plot = new uPlot(
      {
        width,
        height: plotHeight,
        legend: { show: false },
        padding: [6, 8, 0, 0],
        cursor: { sync: { key: "weir" }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        scales: {
          x: { time: true, range: () => [data.range.from / 1000, data.range.to / 1000] },
          y: { range: (_u, min, max) => bounds(min, max, d.min, d.max) },
        },
        axes: [
          { stroke: muted, grid, ticks: grid, font: "11px system-ui, sans-serif", space: 70, values: (_u, ts) => ts.map((t) => tick(t, data.range.to - data.range.from)) },
          { stroke: muted, grid, ticks: grid, font: "11px system-ui, sans-serif", size: labelWidth, space: 28, values: (_u, vs) => vs.map((v) => format(v, d.unit)) },
        ],
        series: [
          {},
          ...series.map((s, i): uPlot.Series => ({
            label: s.name,
            show: shown[i]!,
            stroke: resolve(colours[i]!),
            width: Math.max(1, d.custom?.lineWidth ?? 1) + 0.5,
            fill: (d.custom?.fillOpacity ?? 0) > 0 || bars ? withAlpha(resolve(colours[i]!), bars || stacked ? 0.45 : (d.custom?.fillOpacity ?? 0) / 100) : undefined!,
            points: { show: s.times.length < 2 },
            ...(bars ? { paths: bars } : {}),
          })),
        ],
        bands: stacked ? series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) : [],
        hooks: {
          draw: [(u) => drawOver(u, marks, d)],
          setSelect: [
            (u) => {
              if (u.select.width < 4) return;
              const from = Math.round(u.posToVal(u.select.left, "x") * 1000);
              const to = Math.round(u.posToVal(u.select.left + u.select.width, "x") * 1000);
              setParams({ from: String(from), to: String(to) });
            },
          ],
          setCursor: [(u) => showTip(u, tip.current!, raw, series, colours, shown, d.unit, marks)],
        },
      },
      drawn,
      el,
    );
    return () => plot.destroy();
  }, [series, width, plotHeight, hidden, marks]);

  if (!series.length) return <NoData panel={panel} />;
  const summary = series.map((s) => `${s.name} ${look(last(s.values), settings(panel, s.name)).text}`).slice(0, 8).join(", ");
  const marked = marks.slice(-8).map((m) => `${m.title} at ${clock(m.from * 1000)}`).join(", ");
  return (
    <div class="chart">
      <div ref={host} role="img" aria-label={`${panel.title}; at the end: ${summary}${marked && `; marked: ${marked}`}`} />
      <div class="tip" ref={tip} hidden />
      <ul class="legend" style={{ maxHeight: legendHeight + "px" }}>
        {series.map((s, i) => (
          <li>
            <button type="button" aria-pressed={shown[i]!} onClick={(e) => setHidden(toggle(hidden, s.name, series, e.ctrlKey || e.metaKey))} title="Click: only this one; with Ctrl: show or hide it">
              <span class="swatch" style={{ background: colours[i]! }} />
              {s.name || "value"}
            </button>
          </li>
        ))}
        {data.series.length > maxSeries && <li class="note">and {data.series.length - maxSeries} more series, not drawn</li>}
      </ul>
    </div>
  );
}

function toggle(hidden: ReadonlySet<string>, name: string, series: Named[], single: boolean): ReadonlySet<string> {
  const others = series.map((s) => s.name).filter((n) => n !== name);
  if (single) return hidden.has(name) ? new Set([...hidden].filter((n) => n !== name)) : new Set([...hidden, name]);
  const alone = !hidden.has(name) && others.every((n) => hidden.has(n));
  return alone ? new Set() : new Set(others);
}

/** Room above and below; what the panel fixes stays. */
export function bounds(min: number | null, max: number | null, fixedMin?: number, fixedMax?: number): [number, number] {
  let low = fixedMin ?? min ?? 0;
  let high = fixedMax ?? max ?? 1;
  if (fixedMax !== undefined && max !== null && max > fixedMax) high = max;
  if (low === high) high = low + (Math.abs(low) || 1);
  if (fixedMax === undefined) high += (high - low) * 0.08;
  if (fixedMin === undefined && low !== 0) low -= (high - low) * 0.05;
  return [low, high];
}

/** Room for the longest label, in CSS pixels. */
function labelWidth(_u: uPlot, labels: string[] | null): number {
  return 22 + 6.2 * Math.max(3, ...(labels ?? []).map((l) => l.length));
}

function tick(t: number, range: number): string {
  const text = dateTime(t * 1000);
  if (range > 3 * 86400e3) return text.slice(5, 10);
  if (range > 86400e3) return text.slice(5, 16);
  return range < 600e3 ? text.slice(11) : text.slice(11, 16);
}

function withAlpha(css: string, alpha: number): string {
  if (!/^#[0-9a-f]{6}$/i.test(css)) return css;
  return css + Math.round(Math.min(1, alpha) * 255).toString(16).padStart(2, "0");
}

function drawOver(u: uPlot, marks: ViewProps["marks"], d: ReturnType<typeof settings>): void {
  const g = u.ctx;
  g.save();
  g.setLineDash([4, 4]);
  for (const m of marks) {
    const x = u.valToPos(m.from, "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
    g.strokeStyle = resolve(m.colour);
    g.beginPath();
    g.moveTo(x, u.bbox.top);
    g.lineTo(x, u.bbox.top + u.bbox.height);
    g.stroke();
  }
  const lines = d.custom?.thresholdsStyle?.mode ?? "off";
  if (lines !== "off")
    for (const s of d.thresholds?.steps ?? []) {
      if (s.value === null) continue;
      const y = u.valToPos(s.value, "y", true);
      if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) continue;
      g.strokeStyle = resolve(colour(s.color));
      g.beginPath();
      g.moveTo(u.bbox.left, y);
      g.lineTo(u.bbox.left + u.bbox.width, y);
      g.stroke();
    }
  g.restore();
}

function showTip(u: uPlot, el: HTMLDivElement, raw: uPlot.AlignedData, series: Named[], colours: string[], shown: boolean[], unit: string | undefined, marks: ViewProps["marks"]): void {
  const i = u.cursor.idx;
  const x = u.cursor.left ?? -1;
  if (i === null || i === undefined || x < 0 || !el) {
    if (el) el.hidden = true;
    return;
  }
  const t = raw[0][i]!;
  const rows = series
    .map((s, n) => ({ name: s.name, colour: colours[n]!, value: (raw[n + 1] as (number | null)[])[i], shown: shown[n] }))
    .filter((r) => r.shown && r.value !== null && r.value !== undefined)
    .sort((a, b) => b.value! - a.value!)
    .slice(0, 12);
  const near = marks.filter((m) => Math.abs(u.valToPos(m.from, "x") - x) < 6);
  el.replaceChildren(
    line("tip-time", clock(t * 1000)),
    ...near.map((m) => line("tip-mark", `${m.title}: ${m.text}`)),
    ...rows.map((r) => {
      const row = line("tip-row", "");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = r.colour;
      row.append(swatch, `${r.name} `, Object.assign(document.createElement("b"), { textContent: format(r.value, unit) }));
      return row;
    }),
  );
  el.hidden = !rows.length && !near.length;
  const left = x > u.over.clientWidth / 2;
  el.style.left = left ? "auto" : x + 80 + "px";
  el.style.right = left ? u.over.clientWidth - x + 24 + "px" : "auto";
}

function line(name: string, text: string): HTMLElement {
  return Object.assign(document.createElement("div"), { className: name, textContent: text });
}
