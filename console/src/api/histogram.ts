// Native histograms, as the Prometheus API writes them: each sample has its own buckets.
import { number } from "./series";

export interface Bucket {
  lower: number;
  upper: number;
  count: number;
}

export interface NativeHistogram {
  count: number;
  sum: number;
  buckets: Bucket[]; // ascending; empty ones are left out
}

/** Its buckets are [which ends belong to it, lower, upper, count]. */
export interface HistogramJSON {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}

export function readHistogram(h: HistogramJSON): NativeHistogram {
  const buckets = (h.buckets ?? []).map(([, lower, upper, count]) => ({ lower: number(lower), upper: number(upper), count: number(count) }));
  return { count: number(h.count), sum: number(h.sum), buckets: buckets.sort((a, b) => a.upper - b.upper) };
}

/** The value that a share of the observations do not exceed; within a bucket they are taken to lie evenly. */
export function quantile(h: NativeHistogram, share: number): number {
  let left = share * h.buckets.reduce((n, b) => n + b.count, 0);
  for (const b of h.buckets) {
    if (b.count > 0 && left <= b.count) return b.lower + (b.upper - b.lower) * (left / b.count);
    left -= b.count;
  }
  return h.buckets[h.buckets.length - 1]?.upper ?? NaN;
}

const mostRows = 40;

/** At most so many upper bounds that hold all buckets: neighbours share a row where there are more. */
export function rows(histograms: NativeHistogram[]): number[] {
  const all = [...new Set(histograms.flatMap((h) => h.buckets.map((b) => b.upper)))].sort((a, b) => a - b);
  const every = Math.ceil(all.length / mostRows);
  return all.filter((_, i) => (all.length - 1 - i) % every === 0);
}

/** A histogram's counts in those rows. */
export function inRows(h: NativeHistogram, bounds: number[]): number[] {
  const counts = bounds.map(() => 0);
  let row = 0;
  for (const b of h.buckets) {
    while (row < bounds.length - 1 && bounds[row]! < b.upper) row++;
    if (bounds.length) counts[row]! += b.count;
  }
  return counts;
}
