// How many lines when, by level. A click or a drag narrows the time.
import { useRef, useState } from "preact/hooks";
import type { Series } from "../api/series";
import { clock } from "../format/time";
import { format } from "../format/units";
import { setParams } from "../route";
import { levels } from "./LogLines";

interface Props {
  series: Series[];
  range: { from: number; to: number };
  step: number;
}

export function Histogram({ series, range, step }: Props) {
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const columns = new Map<number, Map<string, number>>();
  for (const s of series) {
    const level = levels.find((l) => (s.labels.detected_level ?? "").startsWith(l)) ?? "unknown";
    s.times.forEach((t, i) => {
      const column = columns.get(t) ?? new Map<string, number>();
      column.set(level, (column.get(level) ?? 0) + (s.values[i] ?? 0));
      columns.set(t, column);
    });
  }
  const top = Math.max(1, ...[...columns.values()].map((c) => [...c.values()].reduce((a, b) => a + b, 0)));
  const width = range.to - range.from;
  // A point counts the step that ends at it.
  const at = (ms: number) => (100 * (ms - range.from)) / width;
  const time = (e: PointerEvent) => {
    const r = box.current!.getBoundingClientRect();
    return range.from + (width * (e.clientX - r.left)) / r.width;
  };
  const total = [...columns.values()].flatMap((c) => [...c.values()]).reduce((a, b) => a + b, 0);
  return (
    <div
      class="histogram" ref={box} role="img" aria-label={`${total} lines over time`}
      onPointerDown={(e) => setDrag([time(e), time(e)])}
      onPointerMove={(e) => drag && setDrag([drag[0], time(e)])}
      onPointerUp={() => {
        if (drag && Math.abs(drag[1] - drag[0]) > width / 200) setParams({ from: String(Math.round(Math.min(...drag))), to: String(Math.round(Math.max(...drag))) });
        setDrag(null);
      }}
      onPointerLeave={() => setDrag(null)}
    >
      {[...columns].map(([t, levelsAt]) => {
        const left = Math.max(0, at(t * 1000 - step));
        return (
          <span class="column" style={{ left: left + "%", width: Math.max(0.2, at(t * 1000) - left - 0.1) + "%" }}
            data-tip={`${clock(t * 1000 - step)}: ${[...levelsAt].map(([l, n]) => `${l} ${format(n, "short").trim()}`).join(", ")}`}>
            {levels.filter((l) => levelsAt.get(l)).map((l) => <i class={"level-" + l} style={{ height: (100 * levelsAt.get(l)!) / top + "%" }} />)}
          </span>
        );
      })}
      {drag && <span class="selection" style={{ left: at(Math.min(...drag)) + "%", width: at(Math.max(...drag)) - at(Math.min(...drag)) + "%" }} />}
    </div>
  );
}
