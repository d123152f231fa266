// Log lines in a virtual list: only what is on the screen is in the page, so
// that a hundred thousand lines scroll as ten do. Rows have one height until
// they are opened; an open row is measured.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Line } from "../api/loki";
import { dateTime } from "../format/time";

const rowHeight = 20;
const spare = 10; // rows above and below the screen

export const levels = ["fatal", "critical", "error", "warn", "info", "debug", "trace", "unknown"];

export function level(line: Line): string {
  const text = (line.labels.detected_level ?? line.labels.level ?? line.labels.severity_text ?? "unknown").toLowerCase();
  return levels.find((l) => text.startsWith(l)) ?? (text.startsWith("crit") ? "critical" : "unknown");
}

interface Props {
  lines: Line[];
  height: number;
  label: string;
  wrap?: boolean;
  follow?: boolean; // keeps the end in sight
  mark?: string; // ns of a line to point at
  onFilter?: (name: string, value: string, negative: boolean) => void;
  onContext?: (line: Line) => void;
}

export function LogLines({ lines, height, label, follow, mark, onFilter, onContext }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const opened = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [open, setOpen] = useState<Line | null>(null);
  const [openHeight, setOpenHeight] = useState(0);

  const at = useMemo(() => (open ? lines.indexOf(open) : -1), [lines, open]);
  const extra = at >= 0 ? openHeight : 0;
  const total = lines.length * rowHeight + extra;
  const offset = (i: number) => i * rowHeight + (at >= 0 && i > at ? extra : 0);
  const index = (y: number) => {
    if (at < 0 || y <= (at + 1) * rowHeight) return Math.floor(y / rowHeight);
    return Math.max(at, Math.floor((y - extra) / rowHeight));
  };

  useLayoutEffect(() => setOpenHeight(opened.current?.offsetHeight ?? 0), [open, at]);
  useEffect(() => {
    if (follow) box.current!.scrollTop = total;
  }, [follow, lines]);
  useEffect(() => {
    const i = mark ? lines.findIndex((l) => l.ns === mark) : -1;
    if (i >= 0) box.current!.scrollTop = Math.max(0, i * rowHeight - height / 2);
  }, [mark, lines]);

  const first = Math.max(0, index(top) - spare);
  const end = Math.min(lines.length, index(top + height) + spare);
  const rows = [];
  for (let i = first; i < end; i++) {
    const line = lines[i]!;
    rows.push(
      <div
        key={line.ns + i}
        class={"log-line level-" + level(line) + (line.ns === mark ? " marked" : "")}
        style={{ top: offset(i) + "px" }}
        role="button"
        tabIndex={0}
        aria-expanded={i === at}
        onClick={() => !getSelection()?.toString() && setOpen(i === at ? null : line)}
        onKeyDown={(e) => {
          if (e.key === "Enter" || e.key === " ") {
            e.preventDefault();
            setOpen(i === at ? null : line);
          }
        }}
      >
        <time>{dateTime(line.ms)}.{line.ns.slice(-9, -6)}</time>
        <span class="log-level" title={level(line)} />
        <span class="log-text">{plain(line.text).slice(0, 4000)}</span>
      </div>,
    );
    if (i === at)
      rows.push(
        <div class="log-details" ref={opened} style={{ top: offset(i) + rowHeight + "px" }}>
          {onContext && <button type="button" onClick={() => onContext(line)}>Lines around this one</button>}
          <pre>{pretty(line.text)}</pre>
          <dl>
            {Object.entries(line.labels).sort().map(([k, v]) => (
              <div>
                <dt>{k}</dt>
                <dd>
                  {v}
                  {onFilter && (
                    <>
                      <button type="button" aria-label={`only ${k} ${v}`} onClick={() => onFilter(k, v, false)}>only</button>
                      <button type="button" aria-label={`without ${k} ${v}`} onClick={() => onFilter(k, v, true)}>without</button>
                    </>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </div>,
      );
  }
  return (
    <div class="log-lines" ref={box} style={{ height: height + "px" }} onScroll={(e) => setTop(e.currentTarget.scrollTop)} role="region" aria-label={`${label}: ${lines.length} lines`} tabIndex={0}>
      <div style={{ height: total + "px" }}>{rows}</div>
    </div>
  );
}

/** Without the terminal's colour codes. */
export function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

function pretty(text: string): string {
  const t = plain(text).trim();
  if (t.startsWith("{"))
    try {
      return JSON.stringify(JSON.parse(t), null, 2);
    } catch {
      // a line that only looks like JSON is shown as it is
    }
  return t;
}
