// Requests, errors, duration, logs, versions and deploys of services.
import { build, even, line, row } from "../board";
import { failing, plain } from "../look";
import { coloured, heat, lines, logLines, stacked, stat, states } from "../panels";
import { q } from "../query";
import { joined } from "../table";
import { edgeLogs, edgeMetrics, service } from "../variables";
import { deploys, durationBuckets, failedShare, own, policy, routes, severities, within } from "./shared";

// A table joins on one label: service and version in one.
const release = (metric: string) => `max by (service_release) (label_join(${metric}{${own}}, "service_release", " ", "service_name", "service_version"))`;

export const services = () =>
  build({
    uid: "weir-customer-service", title: "Weir / Service", set: "weir-customer",
    text: "How services fare: requests, errors, duration, logs, versions and deploys. They are measured from spans and logs; nothing of this leaves unless the policy names it.",
    variables: [edgeMetrics, edgeLogs, service],
    annotations: [deploys, policy],
    rows: [
      row(
        "Now",
        even(
          4,
          stat({ title: "Requests", text: "Requests a second that the services answered, from their spans.", unit: "reqps", none: "none" }, plain,
            q(`sum(rate(weir_service_requests_total{${own}}[$__rate_interval]))`, "requests")),
          stat({ title: "Failed", text: "Share of requests that ended in an error or with 5xx, over the time shown.", unit: "percentunit", none: "no requests" }, failing,
            q(`sum(rate(weir_service_errors_total{${own}}[$__range])) / sum(rate(weir_service_requests_total{${own}}[$__range]))`, "failed")),
          stat({ title: "Half within", text: "Half of the requests in the time shown were answered within this time.", unit: "s", none: "no requests" }, plain,
            q(within(0.5, "$__range"), "median")),
          stat({ title: "99 of 100 within", text: "99 of 100 requests in the time shown were answered within this time.", unit: "s", none: "no requests" }, ["green", [1, "orange"], [5, "red"]],
            q(within(0.99, "$__range"), "p99")),
          stat({ title: "Errors logged", text: "Log records of severity error and fatal in the time shown.", none: "0" }, ["green", [1, "orange"], [1000, "red"]],
            q(`sum(increase(weir_log_records_total{${own}, severity=~"error|fatal"}[$__range]))`, "records")),
          stat({ title: "Versions running", text: "Versions that were seen in the last hour. More than one of a service means a rollout, or a rest of one.", none: "0" }, plain,
            q(`count(count by (service_name, service_version) (weir_service_version{${own}}))`, "versions")),
        ),
      ),
      row(
        "Requests, errors, duration",
        even(
          8,
          stacked(lines({ title: "Requests by status", text: "Requests a second by class of status; none is for spans without an HTTP status.", unit: "reqps", none: "no requests" },
            q(`sum by (http_response_status_class) (rate(weir_service_requests_total{${own}}[$__rate_interval])) > 0`, "{{http_response_status_class}}"))),
          lines({ title: "Requests by service", text: "Requests a second that each service answered.", unit: "reqps", none: "no requests" },
            q(`sum by (service_name) (rate(weir_service_requests_total{${own}}[$__rate_interval]))`, "{{service_name}}")),
          lines({ title: "Requests by kind", text: "Requests a second by the kind of span: a server answered them, a consumer took them.", unit: "reqps", none: "no requests" },
            q(`sum by (span_kind) (rate(weir_service_requests_total{${own}}[$__rate_interval]))`, "{{span_kind}}")),
        ),
        even(
          8,
          lines({ title: "Failed by service", text: "Share of each service's requests that ended in an error or with 5xx.", unit: "percentunit", none: "no requests" },
            q(failedShare("service_name", "$__rate_interval"), "{{service_name}}")),
          stacked(lines({ title: "Errors by type", text: "Failed requests a second by service and by what they failed with: an exception, a status.", unit: "reqps", none: "none" },
            q(`sum by (service_name, error_type) (rate(weir_service_errors_total{${own}}[$__rate_interval])) > 0`, "{{service_name}} {{error_type}}"))),
        ),
        even(
          9,
          heat({ title: "Duration", text: "How long requests took: each column a moment, each row a range of durations, the stronger the colour the more requests.", unit: "s", none: "no requests" },
            q(durationBuckets("$__rate_interval"), "{{le}}")),
          lines({ title: "Duration by share", text: "Half, 95 and 99 of 100 requests were answered within these times.", unit: "s", none: "no requests" },
            q(within(0.5, "$__rate_interval"), "50 of 100"), q(within(0.95, "$__rate_interval"), "95 of 100"), q(within(0.99, "$__rate_interval"), "99 of 100")),
        ),
      ),
      row(
        "Routes",
        even(
          8,
          joined({ title: "Routes", text: "What is asked of each service's HTTP server, over the time shown; routes beyond a bound are one, _OTHER.", none: "none told apart" },
            { labels: { route: "Route" }, sort: { by: "Requests", desc: true } },
            { title: "Requests", unit: "reqps", expr: routes.requests("$__range") },
            { title: "Failed", unit: "percentunit", expr: routes.failed("$__range"), levels: failing },
            { title: "Half within", unit: "s", expr: routes.within(0.5, "$__range") },
            { title: "95 of 100 within", unit: "s", expr: routes.within(0.95, "$__range"), levels: ["green", [1, "orange"], [5, "red"]] },
            { title: "99 of 100 within", unit: "s", expr: routes.within(0.99, "$__range"), levels: ["green", [1, "orange"], [5, "red"]] }),
        ),
      ),
      row(
        "Versions and deploys",
        line(
          8,
          [13, joined({ title: "Versions", text: "Each version of each service that is remembered: how long ago it was seen first and last, and how often it came after another.", none: "no versions" },
            { labels: { service_release: "Version" }, sort: { by: "First seen, ago", desc: false } },
            { title: "First seen, ago", unit: "s", expr: `time() - ${release("weir_service_version_first_seen_seconds")}` },
            { title: "Last seen, ago", unit: "s", expr: `time() - ${release("weir_service_version_last_seen_seconds")}` },
            { title: "Deploys", expr: release("weir_service_deploys_total") },
            { title: "Runs", expr: release("weir_service_version"), words: { "1": "yes" }, levels: ["green"] })],
          [11, states({ title: "Deploys", text: "Which version of which service ran when. A new band is a deploy.", none: "no versions" },
            plain, { "1": "runs" }, q(`max by (service_name, service_version) (weir_service_version{${own}})`, "{{service_name}} {{service_version}}"))],
        ),
      ),
      row(
        "Logs",
        even(
          7,
          coloured(stacked(lines({ title: "Records by severity", text: "Log records a second by severity.", unit: "cps", none: "no logs" },
            q(`sum by (severity) (rate(weir_log_records_total{${own}}[$__rate_interval])) > 0`, "{{severity}}"))), severities),
          lines({ title: "Errors logged by service", text: "Log records of severity error and fatal a second, by service.", unit: "cps", none: "none" },
            q(`sum by (service_name) (rate(weir_log_records_total{${own}, severity=~"error|fatal"}[$__rate_interval]))`, "{{service_name}}")),
        ),
        even(9, logLines({ title: "Lines", text: "The newest lines of the services, in full. They are stored here and nowhere else.", none: "no lines" }, `{service_name=~"$service"}`)),
      ),
    ],
  });
