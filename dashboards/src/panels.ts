// The panels of all dashboards but the table: core ones, which every Grafana
// from 9 to 13 has and the console draws. Each asks for a description, a unit and
// what to show without a value, so that none can be forgotten.
import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import * as common from "@grafana/grafana-foundation-sdk/common";
import { DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as logsPanel from "@grafana/grafana-foundation-sdk/logs";
import { PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import * as stats from "@grafana/grafana-foundation-sdk/stat";
import * as timeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as textPanel from "@grafana/grafana-foundation-sdk/text";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { byLevel, byName, lastValue, legend, thresholds, words, type Levels } from "./look";
import { linesOf, logs, metrics, now, ofLogs, over, type Query } from "./query";

export interface Of {
  title: string;
  text: string; // the description
  unit?: string; // short unless given
  none: string; // what stands there without a value
}

/** One number, or one for each series. */
export function stat(of: Of, levels: Levels, ...queries: Query[]): stats.PanelBuilder {
  const p = new stats.PanelBuilder()
    .title(of.title).description(of.text).datasource(metrics).unit(of.unit ?? "short").noValue(of.none)
    .thresholds(thresholds(levels)).colorScheme(byLevel())
    .colorMode(common.BigValueColorMode.Value).graphMode(common.BigValueGraphMode.None).justifyMode(common.BigValueJustifyMode.Auto)
    .orientation(common.VizOrientation.Auto).textMode(common.BigValueTextMode.Auto).reduceOptions(lastValue());
  return queries.reduce((panel, query, i) => panel.withTarget(now(counted(of, query), i)), p);
}

// An increase is estimated and seldom whole, what is counted is; rounded up, so that no single fault is rounded away.
const counted = (of: Of, query: Query): Query => (of.unit === undefined && query.expr.includes("increase(") ? { ...query, expr: `ceil(${query.expr})` } : query);

/** A stat that shows the names of its series, not their values. */
export const named = (of: Of, levels: Levels, ...queries: Query[]) => stat(of, levels, ...queries).textMode(common.BigValueTextMode.Name);

/** A stat whose values have names: {"1": "yes"}. */
export const worded = (of: Of, levels: Levels, values: Record<string, string>, query: Query) => stat(of, levels, query).mappings([words(values)]);

function graph(of: Of, datasource: typeof metrics): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title(of.title).description(of.text).datasource(datasource).unit(of.unit ?? "short").noValue(of.none).min(0)
    .colorScheme(byName()).drawStyle(common.GraphDrawStyle.Line).lineWidth(1).fillOpacity(10)
    .showPoints(common.VisibilityMode.Never).spanNulls(false).legend(legend())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
}

/** Lines over time. */
export function lines(of: Of, ...queries: Query[]): timeseries.PanelBuilder {
  return queries.reduce((p, query, i) => p.withTarget(over(query, i)), graph(of, metrics));
}

/** Lines over time, counted out of logs. */
export function logCounts(of: Of, ...queries: Query[]): timeseries.PanelBuilder {
  return queries.reduce((p, query, i) => p.withTarget(ofLogs(query, i)), graph(of, logs));
}

/** Puts the lines on top of each other, as bars. */
export const stacked = (p: timeseries.PanelBuilder) =>
  p.drawStyle(common.GraphDrawStyle.Bars).fillOpacity(70).stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));

/** Draws a dashed line where a level begins. */
export const limits = (p: timeseries.PanelBuilder, levels: Levels) =>
  p.thresholds(thresholds(levels)).thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));

const fixed = (color: string): DynamicConfigValue[] => [{ id: "color", value: { mode: "fixed", fixedColor: color } }];

/** Gives series fixed colours by their names. */
export function coloured(p: timeseries.PanelBuilder, colours: Record<string, string>): timeseries.PanelBuilder {
  return Object.entries(colours).reduce((panel, [name, color]) => panel.overrideByName(name, fixed(color)), p);
}

/** A bar for each series, filled up to top. */
export function bars(of: Of, levels: Levels, top: number | undefined, query: Query): bargauge.PanelBuilder {
  const p = new bargauge.PanelBuilder()
    .title(of.title).description(of.text).datasource(metrics).unit(of.unit ?? "short").noValue(of.none).min(0)
    .thresholds(thresholds(levels)).colorScheme(byLevel())
    .displayMode(common.BarGaugeDisplayMode.Basic).orientation(common.VizOrientation.Horizontal).showUnfilled(true)
    .valueMode(common.BarGaugeValueMode.Color).reduceOptions(lastValue())
    .withTarget(now(query));
  return top === undefined ? p : p.max(top);
}

/** A bar for each series that is counted out of logs; the longest is full. */
export function logBars(of: Of, query: Query): bargauge.PanelBuilder {
  return bars(of, ["blue"], undefined, query).datasource(logs).targets([ofLogs(query, 0, "instant")]);
}

/** A band for each series that changes its colour with its value. */
export function states(of: Of, levels: Levels, values: Record<string, string>, query: Query): timeline.PanelBuilder {
  return new timeline.PanelBuilder()
    .title(of.title).description(of.text).datasource(metrics).unit(of.unit ?? "short").noValue(of.none)
    .thresholds(thresholds(levels)).colorScheme(byLevel()).mappings([words(values)])
    .mergeValues(true).showValue(common.VisibilityMode.Auto).alignValue(common.TimelineValueAlignment.Left).rowHeight(0.9)
    .lineWidth(0).fillOpacity(70).legend(legend())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Single).sort(common.SortOrder.None))
    .withTarget(over(query));
}

/** A histogram over time: the buckets' series by le. */
export function heat(of: Of, query: Query): heatmap.PanelBuilder {
  return new heatmap.PanelBuilder()
    .title(of.title).description(of.text).datasource(metrics).unit(of.unit ?? "short").noValue(of.none)
    .calculate(false).cellGap(1)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(of.unit ?? "short"))
    .withTarget(over(query, 0, PromQueryFormat.Heatmap));
}

/** Log lines, newest first. */
export function logLines(of: Omit<Of, "unit">, expr: string, most = 200): logsPanel.PanelBuilder {
  return new logsPanel.PanelBuilder()
    .title(of.title).description(of.text).datasource(logs).noValue(of.none)
    .showTime(true).showLabels(false).showCommonLabels(false).wrapLogMessage(true).prettifyLogMessage(false).enableLogDetails(true)
    .sortOrder(common.LogsSortOrder.Descending).dedupStrategy(common.LogsDedupStrategy.None)
    .withTarget(linesOf(expr, most));
}

/** An explanation in Markdown. */
export function text(title: string, description: string, markdown: string): textPanel.PanelBuilder {
  return new textPanel.PanelBuilder().title(title).description(description).mode(textPanel.TextMode.Markdown).content(markdown);
}
