// Grafana's intervals, so that both viewers ask the same questions.

const nice = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800,
].map((s) => s * 1000);

/** How often the data source gets new points: what Grafana is told in its provisioning file. */
let scrape = 15_000;
export const setScrape = (ms: number) => {
  if (ms > 0) scrape = ms;
};

/** The step of a metrics query: never shorter than points come, as in Grafana. */
export const metricStep = (range: number, points: number, min: number) => stepFor(range, points, min || scrape);

/** The step of a query over a range (ms) drawn on so many points. */
export function stepFor(range: number, points: number, min = 0): number {
  const exact = Math.max(range / Math.max(points, 1), min, 1000);
  return nice.find((s) => s >= exact) ?? nice[nice.length - 1]!;
}

/** https://grafana.com/blog/2020/09/28/new-in-grafana-7.2-__rate_interval-for-prometheus-rate-queries-that-just-work/ */
export function rateInterval(step: number): number {
  return Math.max(step + scrape, 4 * scrape);
}

export const text = (ms: number) => (ms % 1000 === 0 ? ms / 1000 + "s" : ms + "ms");

export function builtins(from: number, to: number, step: number): Record<string, string> {
  const range = Math.max(1, Math.round((to - from) / 1000));
  return {
    __interval: text(step),
    __interval_ms: String(step),
    __rate_interval: text(rateInterval(step)),
    __range: range + "s",
    __range_s: String(range),
    __range_ms: String(range * 1000),
    __auto: text(step),
    __from: String(from),
    __to: String(to),
  };
}
