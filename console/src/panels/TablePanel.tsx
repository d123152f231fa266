import { useState } from "preact/hooks";
import { look } from "../dashboard/look";
import { settings } from "../dashboard/model";
import { scopeOf } from "../dashboard/query";
import { sorted, tabulate, type Cell } from "../dashboard/table";
import { interpolate } from "../dashboard/variables";
import { dashboardLink } from "../dashboard/links";
import { NoData, type ViewProps } from "./Panel";

export function TablePanel({ panel, data, context }: ViewProps) {
  const [order, setOrder] = useState<{ field: string; desc: boolean } | null>(null);
  const table = tabulate(panel, data.series);
  if (!table.rows.length) return <NoData panel={panel} />;
  const rows = order ? sorted(table.rows, order.field, order.desc) : table.rows;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={panel.title}>
      <table>
        <thead>
          <tr>
            {table.columns.map((c) => {
              const on = order?.field === c.field;
              const numeric = rows.some((r) => typeof r.get(c.field) === "number");
              return (
                <th class={numeric ? "numeric" : ""} aria-sort={on ? (order!.desc ? "descending" : "ascending") : "none"} scope="col">
                  <button type="button" onClick={() => setOrder({ field: c.field, desc: on ? !order!.desc : false })}>
                    {c.name}
                    <span aria-hidden="true">{on ? (order!.desc ? " ↓" : " ↑") : ""}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, 1000).map((row) => (
            <tr>
              {table.columns.map((c) => {
                const d = settings(panel, c.name);
                const cell = shown(row.get(c.field) ?? null, d);
                const link = d.links?.[0];
                const style = d.custom?.cellOptions?.type === "color-text" ? { color: cell.colour } : d.custom?.cellOptions?.type === "color-background" ? { background: cell.colour } : {};
                return (
                  <td class={cell.numeric ? "numeric" : ""} style={style}>
                    {link && cell.text ? (
                      <a href={dashboardLink(interpolate(link.url, scopeOf(context, 60_000)), fields(row))}>{cell.text}</a>
                    ) : (
                      cell.text
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > 1000 && <p class="note">The first 1,000 of {rows.length} rows.</p>}
    </div>
  );
}

function fields(row: Map<string, Cell>): Record<string, string> {
  return Object.fromEntries([...row].map(([k, v]) => [k, String(v ?? "")]));
}

function shown(v: Cell, d: ReturnType<typeof settings>): { text: string; colour: string; numeric: boolean } {
  if (typeof v === "number") return { ...look(v, d), numeric: true };
  return { text: v ?? "", colour: "inherit", numeric: false };
}
