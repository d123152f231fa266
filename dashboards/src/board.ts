// A dashboard: what all of ours have in common, and the places of their panels.
import { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type { Panel } from "./look";
import { metrics } from "./query";

export interface Board {
  uid: string;
  title: string;
  text: string; // the description
  set: "weir-customer" | "weir-fleet"; // a tag; dashboards of one set link to each other
  range?: string; // now-1h unless given
  variables: Builder<dashboard.VariableModel>[];
  annotations: Annotation[];
  rows: Row[];
}

/** A titled row and the lines of panels under it. */
export interface Row {
  title: string;
  lines: Line[];
}

/** Panels side by side, all of one height; their widths add up to at most 24. */
export interface Line {
  height: number;
  panels: [width: number, panel: Panel][];
}

export const row = (title: string, ...lines: Line[]): Row => ({ title, lines });
export const line = (height: number, ...panels: [number, Panel][]): Line => ({ height, panels });
/** A line that its panels share evenly; what does not divide goes to the first. */
export const even = (height: number, ...panels: Panel[]): Line => ({
  height, panels: panels.map((p, i) => [Math.floor(24 / panels.length) + (i < 24 % panels.length ? 1 : 0), p]),
});

/** A moment that a query names, drawn over every time axis. */
export interface Annotation {
  name: string;
  colour: string;
  expr: string;
  title: string;
  text: string;
}

export function build(b: Board): object {
  const builder = new dashboard.DashboardBuilder(b.title)
    .uid(b.uid).description(b.text).tags(["weir", b.set]).readonly().tooltip(dashboard.DashboardCursorSync.Crosshair)
    .refresh("10s").timezone("browser").time({ from: b.range ?? "now-1h", to: "now" }).version(1).variables(b.variables)
    .link(
      new dashboard.DashboardLinkBuilder("Weir").type(dashboard.DashboardLinkType.Dashboards).tags([b.set])
        .asDropdown(false).includeVars(true).keepTime(true),
    );
  place(b.rows, builder);
  return {
    ...builder.build(),
    // Newer ones raise it themselves; early 9.x, which is older, does not know
    // the cellOptions of tables and leaves their colours out.
    schemaVersion: 39,
    annotations: { list: b.annotations.map(annotation) },
  };
}

/** Every panel gets its number and its place, in reading order. */
function place(rows: Row[], builder: dashboard.DashboardBuilder): void {
  let id = 0;
  let y = 0;
  for (const r of rows) {
    builder.withRow(new dashboard.RowBuilder(r.title).id(++id).collapsed(false).gridPos({ h: 1, w: 24, x: 0, y }));
    y++;
    for (const l of r.lines) {
      let x = 0;
      for (const [w, panel] of l.panels) {
        builder.withPanel(panel.id(++id).gridPos({ h: l.height, w, x, y }));
        x += w;
      }
      y += l.height;
    }
  }
}

// Prometheus' annotations have fields of their own, which the builder does not know.
function annotation(a: Annotation): object {
  return {
    ...new dashboard.AnnotationQueryBuilder().name(a.name).datasource(metrics).enable(true).iconColor(a.colour).expr(a.expr).build(),
    step: "60s", titleFormat: a.title, textFormat: a.text, tagKeys: "service_name,state",
  };
}
