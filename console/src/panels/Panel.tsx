// The frame of a panel: its title, what it says, its state, and the viewer.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Context, Data } from "../dashboard/query";
import { runPanel, scopeOf } from "../dashboard/query";
import { interpolate } from "../dashboard/variables";
import type { Panel } from "../dashboard/model";
import { BarGauge } from "./BarGauge";
import { Heatmap } from "./Heatmap";
import { LogsPanel } from "./LogsPanel";
import { Stat } from "./Stat";
import { StateTimeline } from "./StateTimeline";
import { TablePanel } from "./TablePanel";
import { Text } from "./Text";
import { TimeSeries } from "./TimeSeries";
import type { Mark } from "../dashboard/annotations";

export interface ViewProps {
  panel: Panel;
  data: Data;
  context: Context;
  marks: Mark[];
  width: number;
  height: number;
}

const views: Record<string, (p: ViewProps) => preact.JSX.Element> = {
  stat: Stat, timeseries: TimeSeries, bargauge: BarGauge, table: TablePanel, logs: LogsPanel,
  "state-timeline": StateTimeline, heatmap: Heatmap,
};

interface Props {
  panel: Panel;
  context: Context;
  marks: Mark[];
  tick: number; // changes when it is time to ask again
}

export function PanelView({ panel, context, marks, tick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [data, setData] = useState<Data>();
  const [error, setError] = useState<string>();
  const [visible, setVisible] = useState(false);

  useEffect(() => {
    const el = box.current!;
    const sizes = new ResizeObserver(([e]) => setSize({ width: Math.floor(e!.contentRect.width), height: Math.floor(e!.contentRect.height) }));
    // What is not on the screen is not asked for.
    const sight = new IntersectionObserver((es) => setVisible(es.some((e) => e.isIntersecting)), { rootMargin: "300px" });
    sizes.observe(el);
    sight.observe(el);
    return () => {
      sizes.disconnect();
      sight.disconnect();
    };
  }, []);

  useEffect(() => {
    if (!visible || !size.width || panel.type === "text") return;
    const stop = new AbortController();
    runPanel(panel, context, size.width, stop.signal).then(
      (d) => {
        setData(d);
        setError(undefined);
      },
      (err: Error) => err.name !== "AbortError" && setError(err.message),
    );
    return () => stop.abort();
  }, [panel, context, tick, visible, size.width > 0]);

  const title = interpolate(panel.title, scopeOf(context, 60_000));
  const View = views[panel.type];
  const style = `--x:${panel.gridPos.x + 1};--y:${panel.gridPos.y + 1};--w:${panel.gridPos.w};--h:${panel.gridPos.h}`;
  const id = "panel-" + panel.id;
  return (
    <section class={"panel panel-" + panel.type} style={style} aria-labelledby={id} data-state={error ? "error" : panel.type === "text" || data ? "done" : visible ? "loading" : "unseen"}>
      <header>
        <h3 id={id}>{title}</h3>
        {panel.description && (
          <button class="info" type="button" aria-label={`About ${title}: ${panel.description}`} data-tip={panel.description}>
            i
          </button>
        )}
      </header>
      <div class="panel-body" ref={box}>
        {error ? (
          <p class="failure" role="alert">{error}</p>
        ) : panel.type === "text" ? (
          <Text content={String(panel.options?.content ?? "")} />
        ) : data && View ? (
          <View panel={panel} data={data} context={context} marks={marks} width={size.width} height={size.height} />
        ) : (
          visible && <p class="loading" aria-live="polite">Loading</p>
        )}
      </div>
    </section>
  );
}

export function NoData({ panel, what }: { panel: Panel; what?: string }) {
  return <p class="no-data">{panel.fieldConfig?.defaults.noValue ?? what ?? "No data"}</p>;
}
