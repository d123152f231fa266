// Numbers in Grafana's units: the ones that our dashboards use. The dashboards'
// lint holds their units against this list.

function scaled(v: number, base: number, suffixes: string[]): string {
  const size = Math.abs(v);
  let i = 0;
  let s = size;
  while (s >= base && i < suffixes.length - 1) {
    s /= base;
    i++;
  }
  return digits(v < 0 ? -s : s) + suffixes[i];
}

/** Three digits that matter, no needless zeros. */
export function digits(v: number): string {
  const size = Math.abs(v);
  if (size === 0) return "0";
  if (size >= 100) return String(Math.round(v));
  if (size >= 10) return String(Math.round(v * 10) / 10);
  if (size >= 0.01) return String(Math.round(v * 100) / 100);
  return v.toPrecision(2);
}

/** A count in full: 1,234,567. */
export function whole(v: number): string {
  return v < 1000 ? digits(v) : Math.round(v).toLocaleString("en-US");
}

function seconds(v: number): string {
  const size = Math.abs(v);
  if (size === 0) return "0 s";
  if (size < 1e-6) return digits(v * 1e9) + " ns";
  if (size < 1e-3) return digits(v * 1e6) + " µs";
  if (size < 1) return digits(v * 1e3) + " ms";
  if (size < 120) return digits(v) + " s";
  if (size < 7200) return digits(v / 60) + " min";
  if (size < 172800) return digits(v / 3600) + " h";
  return digits(v / 86400) + " days";
}

const short = ["", " K", " Mil", " Bil", " Tri"];
const binary = [" B", " KiB", " MiB", " GiB", " TiB", " PiB"];
const decimal = [" B", " kB", " MB", " GB", " TB", " PB"];
const per = (unit: string) => (v: number) => scaled(v, 1000, ["", " k", " M", " G"]) + unit;

const formats: Record<string, (v: number) => string> = {
  none: digits,
  short: (v) => scaled(v, 1000, short),
  percent: (v) => digits(v) + " %",
  percentunit: (v) => digits(v * 100) + " %",
  s: seconds,
  ms: (v) => seconds(v / 1e3),
  bytes: (v) => scaled(v, 1024, binary),
  decbytes: (v) => scaled(v, 1000, decimal),
  Bps: (v) => scaled(v, 1000, decimal) + "/s",
  binBps: (v) => scaled(v, 1024, binary) + "/s",
  bits: (v) => scaled(v, 1000, [" b", " kb", " Mb", " Gb"]),
  reqps: per(" req/s"),
  ops: per(" ops/s"),
  cps: per(" /s"),
  cpm: per(" /min"),
  dateTimeAsIso: (v) => (v ? new Date(v).toISOString().slice(0, 10) : ""),
};

export const knownUnits = Object.keys(formats);

export function format(v: number | null | undefined, unit = "short"): string {
  if (v === null || v === undefined || Number.isNaN(v)) return "";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "-∞";
  const f = formats[unit];
  return f ? f(v) : `${digits(v)} ${unit}`;
}
