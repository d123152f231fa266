// A dashboard: the JSON that Grafana loads, drawn here.
import { useEffect, useMemo, useState } from "preact/hooks";
import { getJSON } from "../api/fetch";
import { loadMarks, type Mark } from "../dashboard/annotations";
import type { Dashboard, Panel } from "../dashboard/model";
import type { Context } from "../dashboard/query";
import { chosen } from "../dashboard/variables";
import { PanelView } from "../panels/Panel";
import { setParams, type Route } from "../route";
import { VariableBar } from "../ui/VariableBar";
import { useClock } from "../ui/clock";
import { TimePicker } from "../ui/TimePicker";

const cache = new Map<string, Promise<Dashboard>>();

export function loadDashboard(uid: string): Promise<Dashboard> {
  let d = cache.get(uid);
  if (!d) {
    d = getJSON<Dashboard>(`/weir/v1/dashboards/${encodeURIComponent(uid)}`);
    d.catch(() => cache.delete(uid));
    cache.set(uid, d);
  }
  return d;
}

export function DashboardPage({ route, uid, above }: { route: Route; uid: string; above?: preact.ComponentChildren }) {
  const [dashboard, setDashboard] = useState<Dashboard>();
  const [error, setError] = useState("");
  useEffect(() => {
    setDashboard(undefined);
    loadDashboard(uid).then(
      (d) => {
        setDashboard(d);
        setError("");
        document.title = d.title;
      },
      (e: Error) => setError(e.message),
    );
  }, [uid]);
  if (error) return <p class="failure" role="alert">{error}</p>;
  if (!dashboard) return <p class="loading">Loading</p>;
  return <Board key={uid} dashboard={dashboard} route={route} above={above} />;
}

function Board({ dashboard, route, above }: { dashboard: Dashboard; route: Route; above: preact.ComponentChildren }) {
  const own = typeof dashboard.refresh === "string" ? dashboard.refresh : "";
  const clock = useClock(route.params, dashboard.time ?? { from: "now-1h", to: "now" }, own);
  const [closed, setClosed] = useState<ReadonlySet<number>>(() => new Set(dashboard.panels.filter((p) => p.type === "row" && p.collapsed).map((p) => p.id)));
  const [marks, setMarks] = useState<Mark[]>([]);
  const key = route.params.toString();
  const context = useMemo<Context>(() => {
    const values = Object.fromEntries((dashboard.templating?.list ?? []).map((v) => [v.name, chosen(v, route.params)]));
    return { dashboard, values, range: clock.range };
  }, [dashboard, key, clock.range.from, clock.range.to]);

  useEffect(() => {
    const stop = new AbortController();
    loadMarks(context, stop.signal).then(setMarks, () => undefined); // a dashboard without marks is better than none
    return () => stop.abort();
  }, [context]);

  const sections = useMemo(() => group(dashboard.panels), [dashboard]);
  return (
    <>
      <div class="toolbar">
        <h1>{dashboard.title}</h1>
        <VariableBar context={context} />
        <TimePicker from={clock.from} to={clock.to} refresh={clock.refresh} onRefresh={clock.again} />
        {route.params.has("from") && <button type="button" onClick={() => setParams({ from: null, to: null })}>Reset time</button>}
      </div>
      {dashboard.description && <p class="lead">{dashboard.description}</p>}
      {above}
      {sections.map(({ row, panels }) => {
        const shut = row ? closed.has(row.id) : false;
        return (
          <section class="row" aria-label={row?.title ?? dashboard.title}>
            {row && (
              <h2>
                <button type="button" aria-expanded={!shut} onClick={() => setClosed(flip(closed, row.id))}>
                  <span aria-hidden="true">{shut ? "▸" : "▾"}</span> {row.title}
                </button>
              </h2>
            )}
            {!shut && (
              <div class="grid">
                {panels.map((p) => <PanelView key={p.id} panel={p} context={context} marks={marks} tick={clock.tick} />)}
              </div>
            )}
          </section>
        );
      })}
    </>
  );
}

interface Section {
  row: Panel | null;
  panels: Panel[];
}

/** Panels under the row above them, with places counted from that row. */
export function group(all: Panel[]): Section[] {
  const sorted = [...all].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  const sections: Section[] = [{ row: null, panels: [] }];
  for (const p of sorted) {
    if (p.type === "row") sections.push({ row: p, panels: [...(p.panels ?? [])] });
    else sections[sections.length - 1]!.panels.push(p);
  }
  return sections
    .filter((s) => s.row ?? s.panels.length)
    .map((s) => {
      const top = Math.min(...s.panels.map((p) => p.gridPos.y));
      return { ...s, panels: s.panels.map((p) => ({ ...p, gridPos: { ...p.gridPos, y: p.gridPos.y - top } })) };
    });
}

function flip(set: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}
