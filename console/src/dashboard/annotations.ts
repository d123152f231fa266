// Annotations: moments that a query names, drawn over every time axis.
import { queryRange } from "../api/prometheus";
import { legend } from "../api/series";
import { parseDuration } from "../format/time";
import { colour } from "./look";
import { scopeOf, type Context } from "./query";
import { interpolate } from "./variables";

export interface Mark {
  from: number; // s
  to: number; // s; equal to from for a moment
  title: string;
  text: string;
  colour: string; // CSS
}

export async function loadMarks(c: Context, signal: AbortSignal): Promise<Mark[]> {
  const list = (c.dashboard.annotations?.list ?? []).filter((a) => a.enable && a.expr);
  const all = await Promise.all(
    list.map(async (a) => {
      // At most a thousand points, whatever the range.
      const step = Math.max(parseDuration(a.step ?? "60s"), Math.ceil((c.range.to - c.range.from) / 1000 / 60_000) * 60_000);
      const series = await queryRange(interpolate(a.expr!, scopeOf(c, step)), c.range.from, c.range.to, step, signal);
      return series.flatMap((s) =>
        spans(s.times, s.values, step / 1000).map(([from, to]): Mark => ({
          from, to, colour: colour(a.iconColor), title: legend(a.titleFormat ?? a.name, s.labels), text: legend(a.textFormat ?? "", s.labels),
        })),
      );
    }),
  );
  return all.flat();
}

/** Neighbouring points are one mark. */
export function spans(times: number[], values: (number | null)[], step: number): [number, number][] {
  const out: [number, number][] = [];
  times.forEach((t, i) => {
    if (!values[i]) return;
    const previous = out[out.length - 1];
    if (previous && t - previous[1] <= step * 1.5) previous[1] = t;
    else out.push([t, t]);
  });
  return out;
}
