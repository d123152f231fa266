// Queries and where they are asked. The data sources are variables, so that one
// file serves every Grafana.
import * as loki from "@grafana/grafana-foundation-sdk/loki";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";

export const metrics = { type: "prometheus", uid: "${metrics}" };
export const logs = { type: "loki", uid: "${logs}" };

/** An expression and what its series are called. */
export interface Query {
  expr: string;
  legend: string;
}

export const q = (expr: string, legend: string): Query => ({ expr, legend });

/** Targets are named A, B, C in the order of their queries. */
export const letter = (i: number) => String.fromCharCode("A".charCodeAt(0) + i);

/** The latest values: for a stat, a bar, a table. */
export function now(query: Query, i = 0, format = prometheus.PromQueryFormat.TimeSeries): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder().refId(letter(i)).datasource(metrics).expr(query.expr).legendFormat(query.legend).format(format).instant();
}

/** All values of the time shown. */
export function over(query: Query, i = 0, format = prometheus.PromQueryFormat.TimeSeries): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder().refId(letter(i)).datasource(metrics).expr(query.expr).legendFormat(query.legend).format(format).range();
}

/** Figures out of logs, over the time shown or at its end. */
export function ofLogs(query: Query, i = 0, kind: "range" | "instant" = "range"): loki.DataqueryBuilder {
  return new loki.DataqueryBuilder().refId(letter(i)).datasource(logs).expr(query.expr).legendFormat(query.legend).queryType(kind);
}

/** The lines themselves, newest first. */
export function linesOf(expr: string, most: number): loki.DataqueryBuilder {
  return new loki.DataqueryBuilder().refId("A").datasource(logs).expr(expr).queryType("range").maxLines(most);
}

/**
 * How much a sum of counters grew in the time shown. A counter of something rare
 * begins with its first event, which an increase does not see: what such a one
 * began with is added.
 */
export const grown = (counter: string) =>
  `(sum(increase(${counter}[$__range])) or vector(0)) + (sum(min_over_time(${counter}[$__range]) unless ${counter} offset $__range) or vector(0))`;
