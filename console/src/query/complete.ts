// What may stand at the cursor of a query: label names inside braces and in lists
// to group by, values after a comparison, functions, metrics and stages elsewhere.
import { lokiLabels, lokiLabelValues } from "../api/loki";
import { labelNames, labelValues } from "../api/prometheus";
import { aggregations } from "./tokens";

export type Language = "promql" | "logql";

export interface Completion {
  from: number; // where the completed word begins
  options: string[];
}

const ranges: Record<Language, string[]> = {
  promql: ["rate", "irate", "increase", "delta", "deriv", "predict_linear", "histogram_quantile", "avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "count_over_time", "quantile_over_time", "last_over_time", "absent", "absent_over_time", "changes", "resets", "label_replace", "clamp_min", "clamp_max", "round", "abs", "time", "vector", "scalar"],
  logql: ["rate", "count_over_time", "bytes_rate", "bytes_over_time", "sum_over_time", "avg_over_time", "max_over_time", "min_over_time", "first_over_time", "last_over_time", "stddev_over_time", "stdvar_over_time", "quantile_over_time", "absent_over_time", "rate_counter", "label_replace", "vector"],
};
const stages = ["json", "logfmt", "pattern", "regexp", "unpack", "line_format", "label_format", "unwrap", "decolorize", "drop", "keep"];
const words = ["by", "without", "offset", "and", "or", "unless", "on", "ignoring", "bool"];

export interface Place {
  kind: "label" | "value" | "stage" | "word";
  label?: string;
  selector?: string; // the metric's name before the brace, or behind the list
  word: string;
  from: number;
}

/** Where the cursor is. */
export function place(text: string, cursor: number, language: Language): Place {
  const before = text.slice(0, cursor);
  const brace = before.lastIndexOf("{");
  if (brace >= 0 && before.indexOf("}", brace) < 0) {
    const inside = before.slice(brace + 1);
    const metric = /([A-Za-z_:][\w:]*)\s*$/.exec(before.slice(0, brace))?.[1] ?? "";
    const value = /([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/.exec(inside);
    if (value) return { kind: "value", label: value[1]!, selector: metric, word: value[2]!, from: cursor - value[2]!.length };
    const name = /(?:^|,)\s*([A-Za-z_]\w*)?$/.exec(inside);
    if (name) return { kind: "label", selector: metric, word: name[1] ?? "", from: cursor - (name[1] ?? "").length };
  }
  const list = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?:[\w\s]*,)*\s*([A-Za-z_]\w*)?$/.exec(before);
  if (list) {
    const metric = language === "promql" ? (/([A-Za-z_:][\w:]*)\s*[[{)]/.exec(text.slice(cursor))?.[1] ?? "") : "";
    return { kind: "label", selector: metric, word: list[1] ?? "", from: cursor - (list[1] ?? "").length };
  }
  const word = /[A-Za-z_][\w:]*$/.exec(before)?.[0] ?? "";
  const from = cursor - word.length;
  if (language === "logql" && /\|\s*$/.test(before.slice(0, from))) return { kind: "stage", word, from };
  return { kind: "word", word, from };
}

export async function complete(text: string, cursor: number, language: Language, range: { from: number; to: number }): Promise<Completion> {
  const p = place(text, cursor, language);
  const { from, to } = range;
  const match = p.selector ? p.selector : "";
  let all: string[];
  if (p.kind === "value") all = language === "logql" ? await lokiLabelValues(p.label!, from, to) : await labelValues(p.label!, match, from, to);
  else if (p.kind === "label") all = language === "logql" ? await lokiLabels(from, to) : (await labelNames(match, from, to)).filter((n) => n !== "__name__");
  else if (p.kind === "stage") all = stages;
  else {
    if (!p.word) return { from: p.from, options: [] };
    const metrics = language === "promql" ? await labelValues("__name__", "", from, to) : [];
    all = [...metrics, ...ranges[language], ...aggregations, ...words];
  }
  const low = p.word.toLowerCase();
  const hits = all.filter((o) => o.toLowerCase().includes(low) && o !== p.word);
  hits.sort((a, b) => Number(b.toLowerCase().startsWith(low)) - Number(a.toLowerCase().startsWith(low)) || a.localeCompare(b));
  return { from: p.from, options: hits.slice(0, 12) };
}
