// What a query gives, whichever API it came from.

export type Labels = Record<string, string>;

export interface Series {
  labels: Labels;
  times: number[]; // s, ascending
  values: (number | null)[];
}

export interface MatrixItem {
  metric: Labels;
  values?: [number, string][];
  value?: [number, string];
}

export function number(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text); // "NaN" included
}

export function fromMatrix(items: MatrixItem[]): Series[] {
  return items.map((item) => {
    const points = item.values ?? (item.value ? [item.value] : []);
    return { labels: item.metric, times: points.map((p) => p[0]), values: points.map((p) => number(p[1])) };
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
