// Template variables: `$name`, `${name}`, `[[name]]`, with Grafana's rules for
// several values. See https://grafana.com/docs/grafana/latest/dashboards/variables/.
import type { Variable } from "./model";

export interface Scope {
  variables: Variable[];
  values: Record<string, string[]>; // chosen, by name; "$__all" for all of them
  builtin: Record<string, string>; // __interval and so on
}

const escape = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/\\/g, "\\\\");

function value(scope: Scope, name: string, format: string | undefined): string | undefined {
  const builtin = scope.builtin[name];
  if (builtin !== undefined) return builtin;
  const variable = scope.variables.find((v) => v.name === name);
  if (!variable) return undefined;
  const chosen = scope.values[name] ?? [];
  if (chosen.includes("$__all")) {
    if (variable.allValue) return variable.allValue;
    const all = (variable.options ?? []).map((o) => o.value).filter((v) => v !== "$__all");
    return all.length ? "(" + all.map(escape).join("|") + ")" : ".*";
  }
  if (format === "raw" || format === "text") return chosen.join(",");
  if (format === "queryparam") return chosen.map((v) => `var-${name}=${encodeURIComponent(v)}`).join("&");
  if (variable.multi || variable.includeAll)
    return chosen.length === 1 ? escape(chosen[0]!) : "(" + chosen.map(escape).join("|") + ")";
  return chosen[0] ?? "";
}

export function interpolate(text: string, scope: Scope): string {
  return text.replace(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)\]\]/g, (whole, braced, format, plain, square) => {
    return value(scope, (braced ?? plain ?? square) as string, format as string | undefined) ?? whole;
  });
}

/** `label_values(metric{...}, label)` and `label_values(label)` taken apart. */
export function labelValuesQuery(v: Variable): { match: string; label: string } | null {
  const text = typeof v.query === "string" ? v.query : (v.query?.query ?? "");
  const m = /^label_values\((?:([\s\S]+),)?\s*([a-zA-Z_]\w*)\s*\)$/.exec(text.trim());
  return m ? { match: (m[1] ?? "").trim(), label: m[2]! } : null;
}

/** What is chosen: the address's word first, then the dashboard's own. */
export function chosen(v: Variable, params: URLSearchParams): string[] {
  const asked = params.getAll("var-" + v.name);
  if (asked.length) return asked.map((a) => (a === "All" ? "$__all" : a));
  const own = v.current?.value;
  return own === undefined ? [] : Array.isArray(own) ? own : [own];
}
