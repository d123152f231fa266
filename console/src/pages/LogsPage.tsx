// Logs: a LogQL query, how many lines when, and the lines.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { detectedFields, GivesNumbers, lokiRange, queryLines, tail, type DetectedField, type Line, type Tail } from "../api/loki";
import { seriesText, type Series } from "../api/series";
import type { Data } from "../dashboard/query";
import { plain, nowhere } from "../dashboard/model";
import { TimeSeries } from "../panels/TimeSeries";
import { stepFor, text as stepText } from "../dashboard/step";
import { format } from "../format/units";
import { Editor } from "../query/Editor";
import { selectorOf, withFilter } from "../query/logql";
import { href, setParams, type Route } from "../route";
import { useClock } from "../ui/clock";
import { Histogram } from "../ui/Histogram";
import { LogLines } from "../ui/LogLines";
import { Patterns } from "../ui/Patterns";
import { TimePicker } from "../ui/TimePicker";
import { download } from "../ui/download";

const limits = [100, 500, 1000, 5000];
const kept = 100_000; // lines of a live tail that stay in the page
const everything = '{service_name=~".+"}';

export function LogsPage({ route }: { route: Route }) {
  const clock = useClock(route.params, { from: "now-1h", to: "now" });
  const query = route.params.get("query") ?? everything;
  const limit = Number(route.params.get("limit") ?? 1000);
  const around = route.params.get("around"); // ns of a line
  const selector = selectorOf(query);
  const byPattern = route.params.get("view") === "patterns" && selector !== "";
  const [lines, setLines] = useState<Line[]>([]);
  const [volume, setVolume] = useState<Series[]>([]);
  const [fields, setFields] = useState<DetectedField[]>([]);
  const [graph, setGraph] = useState<Data>(); // of a query that gives numbers
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [live, setLive] = useState(false);
  const [note, setNote] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const { range } = clock;
  const step = stepFor(range.to - range.from, 60);

  useEffect(() => {
    document.title = "Logs · Weir";
  }, []);

  useEffect(() => {
    if (live || byPattern) return;
    const stop = new AbortController();
    setBusy(true);
    setError("");
    setGraph(undefined);
    const failed = (e: Error): unknown => {
      if (e.name === "AbortError") return;
      if (e instanceof GivesNumbers) return draw().then(setGraph, failed);
      setError(e.message);
      setLines([]);
    };
    const draw = async (): Promise<Data> => {
      const fine = stepFor(range.to - range.from, 300);
      const all = await lokiRange(query, Math.floor(range.from / fine) * fine, range.to, fine, stop.signal);
      setLines([]);
      return { series: all.map((s) => ({ ...s, name: seriesText(s.labels), refId: "A" })), lines: [], range, step: fine };
    };
    const load = around ? context(query, around, stop.signal) : queryLines(query, range.from, range.to, limit, "backward", stop.signal);
    load.then(setLines, failed).finally(() => !stop.signal.aborted && setBusy(false));
    const quiet = () => undefined; // the lines' own failure is the one to show
    const start = Math.floor(range.from / step) * step;
    lokiRange(`sum by (detected_level) (count_over_time(${query}[${stepText(step)}]))`, start, range.to, step, stop.signal).then(setVolume, () => setVolume([]));
    if (selector) detectedFields(query, range.from, range.to, stop.signal).then(setFields, quiet);
    return () => stop.abort();
  }, [query, limit, around, range.from, range.to, live, byPattern]);

  useEffect(() => {
    if (!live) return;
    setLines([]);
    setNote("Following");
    let pending: Line[] = [];
    let missed = 0;
    // Lines may come by the thousand: the page is drawn ten times a second at most.
    const timer = setInterval(() => {
      if (!pending.length) return;
      const more = pending;
      pending = [];
      setLines((old) => (old.length + more.length > kept ? [...old, ...more].slice(-kept) : [...old, ...more]));
      if (missed) setNote(`Following; ${missed} lines were too fast for this page and were left out`);
    }, 100);
    const t: Tail = tail(
      query, Date.now() - 5000,
      (got, dropped) => {
        pending.push(...got);
        missed += dropped;
      },
      (why) => setNote("The tail ended: " + why),
    );
    return () => {
      clearInterval(timer);
      t.close();
      setNote("");
    };
  }, [live, query]);

  const run = (q: string) => setParams({ query: q.trim() || null, around: null, view: null });
  const total = useMemo(() => volume.reduce((n, s) => n + s.values.reduce<number>((a, b) => a + (b ?? 0), 0), 0), [volume]);
  return (
    <div class="logs-page">
      <div class="toolbar">
        <h1>Logs</h1>
        <div class="choice" role="group" aria-label="View">
          <button type="button" aria-pressed={!byPattern} onClick={() => setParams({ view: null })}>Lines</button>
          <button type="button" aria-pressed={byPattern} disabled={!selector} onClick={() => (setLive(false), setParams({ view: "patterns", around: null }))}>Patterns</button>
        </div>
        <label class="variable">
          Lines{" "}
          <select value={limit} onChange={(e) => setParams({ limit: e.currentTarget.value })}>
            {limits.map((l) => <option value={l}>{l}</option>)}
          </select>
        </label>
        <button type="button" aria-pressed={live} onClick={() => setLive(!live)}>{live ? "Stop following" : "Follow"}</button>
        <button type="button" disabled={!lines.length} onClick={() => save(lines)}>Download</button>
        <TimePicker from={clock.from} to={clock.to} refresh={clock.refresh} onRefresh={clock.again} />
      </div>
      <Editor language="logql" value={query} range={range} placeholder={everything + ' |= "timeout"'} onRun={run} />
      {error && <p class="failure" role="alert">{error}</p>}
      {around && <p class="note">Lines around the marked one. <a href={href("/logs", without(route.params, "around"))}>Back to the search</a></p>}
      {!live && !around && !graph && !byPattern && <Histogram series={volume} range={range} step={step} />}
      {byPattern && <p class="note">What the lines of {selector} have in common; filters behind it are left out. &lt;_&gt; stands for what differs.</p>}
      {byPattern && <Patterns selector={selector} range={range} step={step} onChoose={run} />}
      <p class="note" role="status" hidden={byPattern}>
        {note || (busy ? "Searching" : graph ? `${graph.series.length} series` : lines.length ? `${lines.length} lines shown${total > lines.length ? ` of ${format(total, "short").trim()}` : ""}` : error ? "" : "No line matches in this time.")}
      </p>
      <div class="logs-body" hidden={byPattern}>
        {!live && !graph && (
          <aside aria-label="Fields">
            <h2>Fields</h2>
            <ul>
              {fields.slice(0, 40).map((f) => (
                <li><span title={f.parsers?.join(", ") ?? "structured metadata"}>{f.label}</span> <span class="note">{f.cardinality}</span></li>
              ))}
            </ul>
          </aside>
        )}
        <div class={"logs-list" + (graph ? " logs-graph" : "")} ref={box}>
          {graph ? <TimeSeries panel={plain} data={graph} context={{ dashboard: nowhere, values: {}, range }} marks={[]} width={width} height={420} /> : <LogLines
            lines={lines} height={height} label="Log lines" follow={live} mark={around ?? ""}
            onFilter={(name, value, negative) => run(withFilter(query, name, value, negative))}
            onContext={(line) => setParams({ around: line.ns, query: streamOf(line) ?? query })}
          />}
        </div>
      </div>
    </div>
  );
}

/** The lines before and after one, oldest first. */
async function context(query: string, ns: string, signal: AbortSignal): Promise<Line[]> {
  const at = BigInt(ns);
  const hour = 3600_000_000_000n;
  const [before, after] = await Promise.all([
    queryLines(query, String(at - hour), String(at + 1n), 100, "backward", signal),
    queryLines(query, String(at + 1n), String(at + hour), 100, "forward", signal),
  ]);
  return [...before.reverse(), ...after];
}

function streamOf(line: Line): string | null {
  const name = line.labels.service_name;
  return name ? `{service_name=${JSON.stringify(name)}}` : null;
}

function without(params: URLSearchParams, key: string): URLSearchParams {
  const rest = new URLSearchParams(params);
  rest.delete(key);
  return rest;
}

function save(lines: Line[]): void {
  const text = lines.map((l) => JSON.stringify({ time: l.ns, line: l.text, labels: l.labels })).join("\n") + "\n";
  download("logs.jsonl", "application/x-ndjson", text);
}

/** The room below the box's top. */
function useSize(box: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 600, height: 400 });
  useEffect(() => {
    const fit = () => {
      const r = box.current?.getBoundingClientRect();
      if (r) setSize({ width: Math.floor(r.width) - 22, height: Math.max(240, innerHeight - r.top - 16) });
    };
    fit();
    const sizes = new ResizeObserver(fit);
    sizes.observe(document.body);
    if (box.current) sizes.observe(box.current);
    return () => sizes.disconnect();
  }, []);
  return size;
}
