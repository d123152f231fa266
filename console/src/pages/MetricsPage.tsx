// Metrics: a PromQL query as a graph and as a table.
import { useEffect, useRef, useState } from "preact/hooks";
import { queryInstant, queryRange } from "../api/prometheus";
import { seriesText, type Series } from "../api/series";
import { builtins, metricStep } from "../dashboard/step";
import { histogramText } from "../dashboard/look";
import { nowhere, plain } from "../dashboard/model";
import type { Data } from "../dashboard/query";
import { digits } from "../format/units";
import { TimeSeries } from "../panels/TimeSeries";
import { Editor } from "../query/Editor";
import { setParams, type Route } from "../route";
import { useClock } from "../ui/clock";
import { TimePicker } from "../ui/TimePicker";

export function MetricsPage({ route }: { route: Route }) {
  const clock = useClock(route.params, { from: "now-1h", to: "now" });
  const query = route.params.get("query") ?? "";
  const table = route.params.get("view") === "table";
  const [data, setData] = useState<Data>();
  const [rows, setRows] = useState<Series[]>([]);
  const [error, setError] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const { range } = clock;

  useEffect(() => {
    document.title = "Metrics · Weir";
    const sizes = new ResizeObserver(([e]) => setWidth(Math.floor(e!.contentRect.width)));
    sizes.observe(box.current!);
    return () => sizes.disconnect();
  }, []);

  useEffect(() => {
    if (!query || !width) return;
    const stop = new AbortController();
    const step = metricStep(range.to - range.from, Math.max(50, width / 3), 0);
    const words = builtins(range.from, range.to, step);
    const expr = query.replace(/\$(__\w+)/g, (whole, name: string) => words[name] ?? whole);
    const start = Math.floor(range.from / step) * step;
    const work = table
      ? queryInstant(expr, range.to, stop.signal).then(setRows)
      : queryRange(expr, start, range.to, step, stop.signal).then((all) =>
          setData({ series: all.map((s) => ({ ...s, name: seriesText(s.labels) || query, refId: "A" })), lines: [], range, step }),
        );
    work.then(() => setError(""), (e: Error) => e.name !== "AbortError" && setError(e.message));
    return () => stop.abort();
  }, [query, table, width > 0, range.from, range.to]);

  return (
    <>
      <div class="toolbar">
        <h1>Metrics</h1>
        <div class="choice" role="group" aria-label="View">
          <button type="button" aria-pressed={!table} onClick={() => setParams({ view: null })}>Graph</button>
          <button type="button" aria-pressed={table} onClick={() => setParams({ view: "table" })}>Table</button>
        </div>
        <TimePicker from={clock.from} to={clock.to} refresh={clock.refresh} onRefresh={clock.again} />
      </div>
      <Editor language="promql" value={query} range={range} placeholder="sum by (service_name) (rate(weir_log_records_total[5m]))" onRun={(q) => setParams({ query: q.trim() || null })} />
      {error && <p class="failure" role="alert">{error}</p>}
      <div ref={box} class="metrics-result">
        {!query && <p class="no-data">Write a query: a metric's name is enough to begin with.</p>}
        {query && !error && !table && data && width > 0 && (
          <TimeSeries panel={plain} data={data} context={{ dashboard: nowhere, values: {}, range }} marks={[]} width={width} height={420} />
        )}
        {query && !error && table && <Vector rows={rows} />}
      </div>
    </>
  );
}

function Vector({ rows }: { rows: Series[] }) {
  if (!rows.length) return <p class="no-data">No series has a value at this time.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Result">
      <table>
        <thead><tr><th scope="col">Series</th><th scope="col" class="numeric">Value</th></tr></thead>
        <tbody>
          {rows.slice(0, 2000).map((r) => (
            <tr><td><code>{seriesText(r.labels)}</code></td><td class="numeric">{r.histograms?.[0] ? histogramText(r.histograms[0]) : digits(r.values[0] ?? NaN)}</td></tr>
          ))}
        </tbody>
      </table>
      {rows.length > 2000 && <p class="note">The first 2,000 of {rows.length} series.</p>}
    </div>
  );
}
