// What the viewer picks above a dashboard.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { metrics } from "./query";

/** A data source; the one that provisioning/ sets up is chosen at first. */
function source(name: string, label: string, kind: string, text: string, uid: string): dashboard.DatasourceVariableBuilder {
  return new dashboard.DatasourceVariableBuilder(name).label(label).description(`Where this dashboard reads its ${name}`).type(kind)
    .current({ selected: true, text, value: uid });
}

export const edgeMetrics = source("metrics", "Metrics", "prometheus", "Weir metrics", "weir-metrics");
export const edgeLogs = source("logs", "Logs", "loki", "Weir logs", "weir-logs");
export const fleetMetrics = source("metrics", "Fleet", "prometheus", "Weir fleet", "weir-fleet");

function values(name: string, label: string, description: string, of: string, key: string): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name).label(label).description(description).datasource(metrics)
    .query({ query: `label_values(${of}, ${key})`, refId: name })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged).sort(dashboard.VariableSort.AlphabeticalAsc);
}

/** Any number of a label's values, at first all. */
export const several = (name: string, label: string, description: string, of: string, key: string) =>
  values(name, label, description, of, key).multi(true).includeAll(true).allValue(".+").current({ selected: true, text: "All", value: "$__all" });

/** One of a label's values. */
export const one = (name: string, label: string, description: string, of: string, key: string) =>
  values(name, label, description, of, key).multi(false).includeAll(false);

/** Words that the viewer writes. */
export const words = (name: string, label: string, description: string) =>
  new dashboard.TextBoxVariableBuilder(name).label(label).description(description).defaultValue("").current({ selected: true, text: "", value: "" });

export const service = several("service", "Service", "The services to look at", "weir_service_silence_seconds", "service_name");
export const ring = several("ring", "Ring", "The rings of the release catalogue to look at", "weir:install:ring", "weir_fleet_ring");
export const product = several("service", "Service", "The services of the product to look at", "weir:fleet:version_installs", "service_name");
export const install = one("install", "Install", "The install to look at, by its random id", "weir:install:last_report_seconds", "weir_install_id");
