// How a value looks: thresholds, mappings, colours.
import { quantile, type NativeHistogram } from "../api/histogram";
import { format } from "../format/units";
import type { Defaults, Mapping } from "./model";

// Grafana's names, in colours that can be read on both grounds and told apart
// by most people; the style sheet has their values.
const named: Record<string, string> = {
  green: "var(--green)", "dark-green": "var(--green)", "semi-dark-green": "var(--green)",
  red: "var(--red)", "dark-red": "var(--dark-red)", "semi-dark-red": "var(--red)",
  orange: "var(--orange)", "dark-orange": "var(--orange)", yellow: "var(--yellow)", "dark-yellow": "var(--yellow)",
  blue: "var(--blue)", "dark-blue": "var(--blue)", "light-blue": "var(--cyan)", purple: "var(--purple)", "dark-purple": "var(--purple)",
  text: "var(--muted)", gray: "var(--muted)", transparent: "transparent",
};

export function colour(name: string | undefined): string {
  if (!name) return "var(--text)";
  return named[name] ?? (name.startsWith("#") || name.startsWith("rgb") ? name : "var(--text)");
}

const palette = ["green", "yellow", "cyan", "orange", "red", "blue", "purple", "pink", "olive", "teal", "brown", "navy"];
export const classic = (i: number) => `var(--${palette[i % palette.length]})`;

/** A canvas knows no variables: their values now. */
export function resolve(css: string): string {
  const m = /^var\((--[\w-]+)\)$/.exec(css);
  return m ? getComputedStyle(document.documentElement).getPropertyValue(m[1]!).trim() : css;
}

export function threshold(v: number | null, d: Defaults): string | undefined {
  const steps = d.thresholds?.steps;
  if (v === null || !steps?.length) return undefined;
  let at: number = v;
  if (d.thresholds?.mode === "percentage") {
    const min = d.min ?? 0;
    at = (100 * (v - min)) / ((d.max ?? 100) - min);
  }
  let hit = steps[0]!.color;
  for (const s of steps) if (s.value === null || at >= s.value) hit = s.color;
  return hit;
}

function mapped(v: number | null, mappings: Mapping[]): { text?: string; color?: string } | undefined {
  for (const m of mappings) {
    if (m.type === "value" && v !== null) {
      const hit = m.options[String(v)];
      if (hit) return hit;
    }
    if (m.type === "range" && v !== null) {
      const { from, to, result } = m.options;
      if (v >= (from ?? -Infinity) && v <= (to ?? Infinity)) return result;
    }
    if (m.type === "special" && v === null) return m.options.result;
  }
  return undefined;
}

export interface Look {
  text: string;
  colour: string; // CSS
}

export function look(v: number | null | undefined, d: Defaults): Look {
  const value = v === undefined || v === null || Number.isNaN(v) ? null : v;
  const hit = mapped(value, d.mappings ?? []);
  const base = threshold(value, d);
  return {
    text: hit?.text ?? (value === null ? (d.noValue ?? "–") : format(value, d.unit)),
    colour: colour(hit?.color ?? (d.color?.mode === "fixed" ? d.color.fixedColor : base)),
  };
}

/** A histogram in a cell: how many, and where the middle and the slow ones are. */
export function histogramText(h: NativeHistogram, unit?: string): string {
  const at = (share: number) => format(quantile(h, share), unit);
  return h.count > 0 ? `${format(h.count, "short")}: half up to ${at(0.5)}, 95 of 100 up to ${at(0.95)}` : "0";
}

/** The last value that is a number; what stats and gauges show. */
export function last(values: (number | null)[]): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const v = values[i];
    if (v !== null && v !== undefined && !Number.isNaN(v)) return v;
  }
  return null;
}

export function reduce(values: (number | null)[], calc: string): number | null {
  const numbers = values.filter((v): v is number => v !== null && !Number.isNaN(v));
  if (!numbers.length) return null;
  switch (calc) {
    case "max": return Math.max(...numbers);
    case "min": return Math.min(...numbers);
    case "mean": return numbers.reduce((a, b) => a + b, 0) / numbers.length;
    case "sum": return numbers.reduce((a, b) => a + b, 0);
    case "first": case "firstNotNull": return numbers[0]!;
    default: return last(values);
  }
}
