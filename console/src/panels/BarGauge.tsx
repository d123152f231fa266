import { look, reduce } from "../dashboard/look";
import { settings } from "../dashboard/model";
import { NoData, type ViewProps } from "./Panel";

export function BarGauge({ panel, data }: ViewProps) {
  if (!data.series.length) return <NoData panel={panel} />;
  const calc = ((panel.options?.reduceOptions as { calcs?: string[] } | undefined)?.calcs ?? [])[0] ?? "lastNotNull";
  const values = data.series.map((s) => reduce(s.values, calc));
  const top = Math.max(...values.map((v) => v ?? 0));
  return (
    <ul class="bars" tabIndex={0} aria-label={panel.title}>
      {data.series.map((s, i) => {
        const d = settings(panel, s.name);
        const v = values[i] ?? null;
        const { text, colour } = look(v, d);
        const min = d.min ?? 0;
        const share = v === null ? 0 : Math.max(0, Math.min(1, (v - min) / ((d.max ?? top) - min || 1)));
        return (
          <li>
            <span class="bar-name" title={s.name}>{s.name}</span>
            <span class="bar-track" aria-hidden="true">
              <span class="bar-fill" style={{ width: 100 * share + "%", background: colour }} />
            </span>
            <span class="bar-value">{text}</span>
          </li>
        );
      })}
    </ul>
  );
}
