// What the customer's dashboards have in common: they read an edge, and all
// their data is in the customer's own environment.
import type { Annotation } from "../board";

/** A service that has said nothing for this long is silent. */
export const silentAfter = "300";

/** The services that the viewer chose. */
export const own = `service_name=~"$service"`;

// Vitals counts a version that comes after another; for a minute the count is higher than the minute before.
const deployed = `sum by (service_name, service_version) (weir_service_deploys_total)`;
export const deploys: Annotation = {
  name: "Deploys", colour: "blue",
  expr: `${deployed} > ${deployed.replace("_total)", "_total offset 1m)")}`,
  title: "{{service_name}} {{service_version}}", text: "A version that came after another",
};

export const policy: Annotation = {
  name: "Policy", colour: "orange",
  expr: `(weir_policy_state == 1) unless on (state) (weir_policy_state offset 5m == 1)`,
  title: "policy {{state}}", text: "The policy came into this state",
};

export const revision: Annotation = {
  name: "Revision", colour: "purple",
  expr: `max(weir_policy_revision) != max(weir_policy_revision offset 5m)`,
  title: "another revision of the policy", text: "It came into force within five minutes before",
};

export const failedShare = (by: string, window: string) =>
  `sum by (${by}) (rate(weir_service_errors_total{${own}}[${window}])) / sum by (${by}) (rate(weir_service_requests_total{${own}}[${window}]))`;

export const severities = {
  fatal: "dark-red", error: "red", warn: "orange", info: "green", debug: "blue", trace: "purple", unspecified: "text",
};

// How long requests took, whatever was asked. What vitals derives from spans is
// a native histogram; services that measure themselves mostly send one with
// fixed buckets, by le. A service has one or the other.
const requests = "(http_server_request|rpc_server_call|messaging_process|weir_service_request)_duration_seconds";
const native = (by: string, window: string) => `sum by (${by}) (rate({__name__=~"${requests}", ${own}}[${window}]))`;
const classic = (by: string, window: string) => `sum by (${by}) (rate({__name__=~"${requests}_bucket", ${own}}[${window}]))`;

// By service and route, of HTTP servers alone: no other protocol has routes.
const httpServer = "http_server_request_duration_seconds";
const routeKey = (expr: string) => `sum by (route) (label_join(${expr}, "route", " ", "service_name", "http_route"))`;
const routeBy = "service_name, http_route";
const asked = (window: string, ...only: string[]) => {
  const rates = (name: string) => (only.length ? only : [""]).map((o) => `rate(${name}{${own}${o}}[${window}])`).join(" or ");
  return `(histogram_count(sum by (${routeBy}) (${rates(httpServer)})) or sum by (${routeBy}) (${rates(httpServer + "_count")}))`;
};
// The conventions ask for error.type on what failed; libraries that do not know it yet have the status.
const failures = [', error_type!=""', ', http_response_status_code=~"5.."'];
export const routes = {
  requests: (window: string) => routeKey(asked(window)),
  failed: (window: string) => routeKey(`(${asked(window, ...failures)} / ${asked(window)} or ${asked(window)} * 0)`),
  within: (share: number, window: string) => routeKey(
    `(histogram_quantile(${share}, sum by (${routeBy}) (rate(${httpServer}{${own}}[${window}]))) or histogram_quantile(${share}, sum by (${routeBy}, le) (rate(${httpServer}_bucket{${own}}[${window}]))))`),
};

/** The time within which a share of each service's requests was answered. */
export const withinByService = (share: number, window: string) =>
  `histogram_quantile(${share}, ${native("service_name", window)}) or histogram_quantile(${share}, ${classic("service_name, le", window)})`;

const bounds = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10"];

/** Requests a second by le, of all services together: native histograms are put onto the bounds that OpenTelemetry advises. */
export const durationBuckets = (window: string) => {
  const all = native("", window);
  const some = `(histogram_count(${all}) > 0)`;
  const rows = bounds.map((b) => `label_replace(histogram_fraction(0, ${b}, ${all}) * ${some}, "le", "${b}", "", "")`);
  rows.push(`label_replace(${some}, "le", "+Inf", "", "")`, `label_replace(${classic("le", window)}, "of", "classic", "", "")`);
  return `sum by (le) (${rows.join(" or ")})`;
};

/** The time within which a share of all requests was answered. */
export const within = (share: number, window: string) => `histogram_quantile(${share}, ${durationBuckets(window)})`;
