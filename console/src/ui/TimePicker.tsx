import { useEffect, useRef, useState } from "preact/hooks";
import { dateTime, parseTime, rangeText, zone } from "../format/time";
import { setParams } from "../route";

const quick = ["now-5m", "now-15m", "now-30m", "now-1h", "now-3h", "now-6h", "now-12h", "now-24h", "now-2d", "now-7d", "now-30d"];
const refreshes = ["", "5s", "10s", "30s", "1m", "5m"];

interface Props {
  from: string;
  to: string;
  refresh: string;
  onRefresh: () => void;
}

export function TimePicker({ from, to, refresh, onRefresh }: Props) {
  const [open, setOpen] = useState(false);
  const [start, setStart] = useState("");
  const [end, setEnd] = useState("");
  const [fault, setFault] = useState("");
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const now = Date.now();
    const text = (t: string) => (t.startsWith("now") ? t : dateTime(parseTime(t, now)));
    setStart(text(from));
    setEnd(text(to));
    setFault("");
    const away = (e: Event) => !box.current?.contains(e.target as Node) && setOpen(false);
    const escape = (e: KeyboardEvent) => e.key === "Escape" && setOpen(false);
    addEventListener("pointerdown", away);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", escape);
    };
  }, [open]);

  const apply = (e: Event) => {
    e.preventDefault();
    const [a, b] = [written(start), written(end)];
    const now = Date.now();
    if (!a || !b) return setFault("Write a time as 2026-01-31 12:00:00, now, or now-6h.");
    if (!(parseTime(a, now) < parseTime(b, now))) return setFault("The end must come after the start.");
    setParams({ from: a, to: b });
    setOpen(false);
  };

  const shift = (by: number) => {
    const now = Date.now();
    const [a, b] = [parseTime(from, now), parseTime(to, now)];
    const d = (b - a) * by;
    setParams({ from: String(Math.round(a + d)), to: String(Math.round(b + d)) });
  };

  return (
    <div class="time-picker" ref={box}>
      <button type="button" aria-label="Earlier" onClick={() => shift(-0.5)}>‹</button>
      <button type="button" aria-expanded={open} aria-haspopup="dialog" onClick={() => setOpen(!open)}>
        {rangeText(from, to)}
      </button>
      <button type="button" aria-label="Later" onClick={() => shift(0.5)}>›</button>
      <button type="button" aria-label="Refresh now" onClick={onRefresh}>↻</button>
      <select aria-label="Refresh every" value={refresh} onChange={(e) => setParams({ refresh: e.currentTarget.value || "off" }, true)}>
        {refreshes.map((r) => <option value={r}>{r || "off"}</option>)}
        {refresh && !refreshes.includes(refresh) && <option value={refresh}>{refresh}</option>}
      </select>
      {open && (
        <div class="popup" role="dialog" aria-label="Time shown">
          <form onSubmit={apply}>
            <label>From <input value={start} onInput={(e) => setStart(e.currentTarget.value)} /></label>
            <label>To <input value={end} onInput={(e) => setEnd(e.currentTarget.value)} /></label>
            {fault && <p class="failure" role="alert">{fault}</p>}
            <button type="submit">Apply</button>
            <p class="note">Times are in {zone()}.</p>
          </form>
          <ul>
            {quick.map((q) => (
              <li>
                <button type="button" aria-pressed={from === q && to === "now"} onClick={() => (setParams({ from: q, to: "now" }), setOpen(false))}>
                  {rangeText(q, "now")}
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

/** What was typed as the address keeps it, or "" if it is no time. */
function written(text: string): string {
  const t = text.trim();
  if (!Number.isNaN(parseTime(t, 0))) return t;
  const ms = new Date(t.replace(" ", "T")).getTime();
  return Number.isNaN(ms) ? "" : String(ms);
}
