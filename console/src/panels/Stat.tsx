import { look, reduce } from "../dashboard/look";
import { settings } from "../dashboard/model";
import { NoData, type ViewProps } from "./Panel";

interface Options {
  textMode?: string; // auto | value | name | value_and_name
  colorMode?: string; // value | background | none
  reduceOptions?: { calcs?: string[] };
}

/** One big number a series; in the mode "name", the series' name. */
export function Stat({ panel, data }: ViewProps) {
  const o = (panel.options ?? {}) as Options;
  const shown = data.series.length ? data.series : null;
  if (!shown) {
    const d = panel.fieldConfig?.defaults ?? {};
    const zero = d.noValue !== undefined && /^-?\d+(\.\d+)?$/.test(d.noValue) ? Number(d.noValue) : null;
    if (zero === null) return <NoData panel={panel} />;
    return <Values items={[{ name: "", text: d.noValue!, colour: look(zero, d).colour }]} mode={o} />;
  }
  const items = shown.map((s) => {
    const d = settings(panel, s.name);
    return { name: s.name, ...look(reduce(s.values, o.reduceOptions?.calcs?.[0] ?? "lastNotNull"), d) };
  });
  return <Values items={items} mode={o} />;
}

function Values({ items, mode }: { items: { name: string; text: string; colour: string }[]; mode: Options }) {
  const names = mode.textMode === "name";
  const both = mode.textMode === "value_and_name" || (mode.textMode !== "value" && items.length > 1);
  return (
    <div class="stats">
      {items.slice(0, 24).map((item) => (
        <div
          class={"stat" + (mode.colorMode === "background" ? " filled" : "")}
          style={mode.colorMode === "background" ? { background: item.colour } : { color: mode.colorMode === "none" ? "inherit" : item.colour }}
        >
          <span class="stat-value">{names ? item.name : item.text}</span>
          {both && !names && <span class="stat-name">{item.name}</span>}
        </div>
      ))}
    </div>
  );
}
