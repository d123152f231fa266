// The choices above a dashboard.
import { useEffect, useState } from "preact/hooks";
import { labelValues } from "../api/prometheus";
import { lokiLabelValues } from "../api/loki";
import type { Variable } from "../dashboard/model";
import type { Context } from "../dashboard/query";
import { scopeOf } from "../dashboard/query";
import { interpolate, labelValuesQuery } from "../dashboard/variables";
import { setParams } from "../route";

export function VariableBar({ context }: { context: Context }) {
  const list = (context.dashboard.templating?.list ?? []).filter((v) => v.type !== "datasource" && v.type !== "constant" && !v.hide);
  return <>{list.map((v) => <Choice key={v.name} variable={v} context={context} />)}</>;
}

async function options(v: Variable, context: Context): Promise<string[]> {
  if (v.type === "custom" || v.type === "interval") return (v.options ?? []).map((o) => o.value).filter((o) => o !== "$__all");
  const q = labelValuesQuery(v);
  if (!q) return [];
  const match = interpolate(q.match, scopeOf(context, 60_000));
  const { from, to } = context.range;
  const all = v.datasource?.type === "loki" ? await lokiLabelValues(q.label, from, to) : await labelValues(q.label, match, from, to);
  return v.regex ? all.filter((value) => new RegExp(v.regex!.replace(/^\/|\/$/g, "")).test(value)) : all;
}

function Choice({ variable: v, context }: { variable: Variable; context: Context }) {
  const [all, setAll] = useState<string[]>([]);
  const now = context.values[v.name] ?? [];
  useEffect(() => {
    let gone = false;
    options(v, context).then((o) => {
      if (gone) return;
      setAll(o);
      // A single choice that is not made yet falls on the first there is.
      if (!v.includeAll && o.length && (!now.length || !now[0])) setParams({ ["var-" + v.name]: o[0]! }, true);
    }, () => !gone && setAll([]));
    return () => {
      gone = true;
    };
  }, [v, context.range.from, context.range.to]);

  const set = (values: string[]) => setParams({ ["var-" + v.name]: values });
  const label = v.label ?? v.name;
  if (v.type === "textbox")
    return (
      <label class="variable">{label} <input value={now[0] ?? ""} onChange={(e) => set([e.currentTarget.value])} /></label>
    );
  if (!v.multi)
    return (
      <label class="variable" title={v.description ?? ""}>
        {label}{" "}
        <select value={now[0] ?? ""} onChange={(e) => set([e.currentTarget.value])}>
          {v.includeAll && <option value="$__all">All</option>}
          {[...new Set([...all, ...now.filter((n) => n && n !== "$__all")])].map((o) => <option value={o}>{o}</option>)}
        </select>
      </label>
    );
  const everything = now.includes("$__all") || !now.length;
  return (
    <details class="variable">
      <summary title={v.description ?? ""}>{label}: <b>{everything ? "All" : now.length > 2 ? `${now.length} chosen` : now.join(", ")}</b></summary>
      <div class="popup">
        <label><input type="checkbox" checked={everything} onChange={() => set(["$__all"])} /> All</label>
        {all.map((o) => (
          <label>
            <input
              type="checkbox"
              checked={!everything && now.includes(o)}
              onChange={(e) => {
                const rest = everything ? [] : now.filter((n) => n !== o);
                const next = e.currentTarget.checked ? [...rest, o] : rest;
                set(next.length ? next : ["$__all"]);
              }}
            />{" "}
            {o}
          </label>
        ))}
      </div>
    </details>
  );
}
