// What a query gives, whichever API it came from.

import { readHistogram, type HistogramJSON, type NativeHistogram } from "./histogram";

export type Labels = Record<string, string>;

export interface Series {
  labels: Labels;
  times: number[]; // s, ascending
  values: (number | null)[]; // null where the sample is a histogram
  histograms?: (NativeHistogram | null)[]; // by the same times; absent if there is none
}

export interface MatrixItem {
  metric: Labels;
  values?: [number, string][];
  value?: [number, string];
  histograms?: [number, HistogramJSON][];
  histogram?: [number, HistogramJSON];
}

export function number(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text); // "NaN" included
}

export function fromMatrix(items: MatrixItem[]): Series[] {
  return items.map((item) => {
    const points = item.values ?? (item.value ? [item.value] : []);
    const shapes = item.histograms ?? (item.histogram ? [item.histogram] : []);
    if (!shapes.length) return { labels: item.metric, times: points.map((p) => p[0]), values: points.map((p) => number(p[1])) };
    // A series may change from one kind of sample to the other.
    const mixed = [
      ...points.map(([t, v]) => ({ t, value: number(v), histogram: null })),
      ...shapes.map(([t, h]) => ({ t, value: null, histogram: readHistogram(h) })),
    ].sort((a, b) => a.t - b.t);
    return { labels: item.metric, times: mixed.map((p) => p.t), values: mixed.map((p) => p.value), histograms: mixed.map((p) => p.histogram) };
  });
}

/** The series' text as PromQL writes it: name{label="value"}. */
export function seriesText(labels: Labels): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([k, v]) => `${k}=${JSON.stringify(v)}`);
  return name + (pairs.length || !name ? `{${pairs.join(", ")}}` : "");
}

export function legend(format: string, labels: Labels): string {
  if (!format || format === "__auto") return seriesText(labels);
  return format.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => labels[name] ?? "").trim();
}
