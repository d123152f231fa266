// States over time: one lane a series, neighbours of one state drawn as one.
import { look, threshold, colour } from "../dashboard/look";
import { settings } from "../dashboard/model";
import { clock, dateTime } from "../format/time";
import type { Named } from "../dashboard/query";
import { NoData, type ViewProps } from "./Panel";

interface Piece {
  from: number;
  to: number;
  text: string;
  colour: string;
}

function pieces(s: Named, d: ReturnType<typeof settings>, step: number, end: number): Piece[] {
  const out: Piece[] = [];
  s.times.forEach((t, i) => {
    const v = s.values[i] ?? null;
    if (v === null || Number.isNaN(v)) return;
    const l = look(v, d);
    const c = l.colour === "var(--text)" ? colour(threshold(v, d)) : l.colour;
    const previous = out[out.length - 1];
    const to = Math.min(t + step, end);
    if (previous && previous.text === l.text && t - previous.to < step / 2) previous.to = to;
    else out.push({ from: t, to, text: l.text, colour: c });
  });
  return out;
}

export function StateTimeline({ panel, data }: ViewProps) {
  if (!data.series.length) return <NoData panel={panel} />;
  const from = data.range.from / 1000;
  const to = data.range.to / 1000;
  const at = (t: number) => (100 * (t - from)) / (to - from);
  return (
    <div class="lanes" tabIndex={0} role="region" aria-label={panel.title}>
      {data.series.slice(0, 100).map((s) => {
        const parts = pieces(s, settings(panel, s.name), data.step / 1000, to);
        const now = parts[parts.length - 1];
        return (
          <div class="lane">
            <span class="lane-name" title={s.name}>{s.name}</span>
            <span class="lane-track" role="img" aria-label={`${s.name}: ${now ? now.text : "nothing"} at the end, ${parts.length} changes`}>
              {parts.map((p) => (
                <span
                  style={{ left: at(p.from) + "%", width: Math.max(0.15, at(p.to) - at(p.from)) + "%", background: p.colour }}
                  data-tip={`${p.text.trim() || "–"}, ${dateTime(p.from * 1000)} to ${clock(p.to * 1000)}`}
                >
                  {at(p.to) - at(p.from) > 12 ? p.text : ""}
                </span>
              ))}
            </span>
          </div>
        );
      })}
      <div class="lane axis" aria-hidden="true">
        <span class="lane-name" />
        <span class="lane-track">
          {[0, 0.25, 0.5, 0.75, 1].map((x) => (
            <span style={{ left: 100 * x + "%" }}>{clock((from + x * (to - from)) * 1000).slice(0, 5)}</span>
          ))}
        </span>
      </div>
    </div>
  );
}
