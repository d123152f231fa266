// Times as Grafana writes them: "now", "now-6h", or milliseconds since 1970.

export interface Range {
  from: number; // ms
  to: number; // ms
}

const units: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/** Milliseconds, or NaN if the text is no time. */
export function parseTime(text: string, now: number): number {
  if (/^\d+$/.test(text)) return Number(text);
  const m = /^now(?:-(\d+)([smhdw]))?$/.exec(text);
  if (!m) return NaN;
  return m[1] ? now - Number(m[1]) * units[m[2]!]! : now;
}

export function parseRange(from: string, to: string, now: number): Range {
  const r = { from: parseTime(from, now), to: parseTime(to, now) };
  if (!(r.from < r.to)) return { from: now - 3600e3, to: now };
  return r;
}

/** "15s", "5m" and so on in milliseconds; 0 for none. */
export function parseDuration(text: string): number {
  const m = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text);
  if (!m) return 0;
  return Number(m[1]) * (m[2] === "ms" ? 1 : units[m[2]!]!);
}

export function rangeText(from: string, to: string): string {
  const last = /^now-(\d+)([smhdw])$/.exec(from);
  if (last && to === "now") {
    const names: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
    const n = Number(last[1]);
    return `Last ${n === 1 ? "" : n + " "}${names[last[2]!]}${n === 1 ? "" : "s"}`;
  }
  const now = Date.now();
  return `${dateTime(parseTime(from, now))} to ${dateTime(parseTime(to, now))}`;
}

const two = (n: number) => String(n).padStart(2, "0");

export function clock(ms: number): string {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function dateTime(ms: number): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(ms)}`;
}

/** The zone in which all times are shown: "UTC+02:00 Europe/Berlin". */
export function zone(): string {
  const minutes = -new Date().getTimezoneOffset();
  const at = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(at / 60))}:${two(at % 60)}`;
  return `${offset} ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

export function ago(seconds: number): string {
  if (!(seconds >= 0)) return "never";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}
