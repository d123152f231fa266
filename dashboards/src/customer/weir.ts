// Weir itself: does it take, keep and pass on what it should, and at what cost?
import { build, even, line, row } from "../board";
import { fewIsGood, noneIsGood, plain } from "../look";
import { lines, stat } from "../panels";
import { grown, q } from "../query";
import { joined } from "../table";
import { edgeMetrics } from "../variables";
import { deploys, policy } from "./shared";

const signals = { log_records: "logs", metric_points: "metrics", spans: "spans" };
const each = (what: string, after: string) =>
  Object.entries(signals).map(([unit, name]) => q(`sum by (receiver) (rate(otelcol_receiver_${what}_${unit}_total[$__rate_interval]))${after}`, `{{receiver}} ${name}${what === "accepted" ? "" : " " + what}`));
const turnedAway = ["refused", "failed"].flatMap((what) => Object.keys(signals).map((unit) => `(sum(increase(otelcol_receiver_${what}_${unit}_total[$__range])) or vector(0))`)).join(" + ");

export const weir = () =>
  build({
    uid: "weir-customer-weir", title: "Weir / Weir itself", set: "weir-customer",
    text: "Weir's own figures: what comes in, what is stored and for how long, what waits, what was dropped and why, and what it costs.",
    variables: [edgeMetrics],
    annotations: [deploys, policy],
    rows: [
      row(
        "Now",
        line(
          4,
          [4, stat({ title: "Running for", text: "Time since Weir started.", unit: "s", none: "unknown" }, plain, q(`max(otelcol_process_uptime_seconds_total{service_name="weir"})`, "uptime"))],
          [3, stat({ title: "Processor", text: "Processors that Weir keeps busy; 1 is one whole processor.", none: "unknown" }, ["green", [0.5, "orange"], [1, "red"]],
            q(`sum(rate(otelcol_process_cpu_seconds_total{service_name="weir"}[$__rate_interval]))`, "processors"))],
          [4, stat({ title: "Memory", text: "Memory that the operating system has given to Weir.", unit: "bytes", none: "unknown" }, ["green", [400 * 2 ** 20, "orange"], [600 * 2 ** 20, "red"]],
            q(`sum(otelcol_process_memory_rss_bytes{service_name="weir"})`, "memory"))],
          [3, stat({ title: "Not stored", text: "Samples and log records that the local store did not take, in the time shown.", none: "0" }, fewIsGood,
            q(grown("weir_local_store_rejected_total"), "items"))],
          [3, stat({ title: "Refused", text: "Items that receivers refused or could not pass on, in the time shown.", none: "0" }, fewIsGood,
            q(turnedAway, "items"))],
          [4, stat({ title: "Configuration", text: "How often a start found another configuration than the one before, in the time shown. What changed is on the console's page About.", none: "0" }, fewIsGood,
            q(`sum(increase(weir_configuration_changes_total[$__range]))`, "changes"))],
          [3, stat({ title: "Alerts", text: "Alerts that are firing now.", none: "0" }, noneIsGood, q(`count(ALERTS{alertstate="firing"})`, "firing"))],
        ),
        even(
          5,
          joined({ title: "Alerts firing", text: "The alerts that are firing now, as Weir's rules raise them.", none: "none" },
            { labels: { alertname: "Alert", severity: "Severity", service_name: "Service", mountpoint: "Disk", reason: "Reason" } },
            { title: "Firing", expr: `max by (alertname, severity, service_name, mountpoint, reason) (ALERTS{alertstate="firing"})`, words: { "1": "yes" } }),
        ),
      ),
      row(
        "What comes in",
        even(
          8,
          lines({ title: "Accepted", text: "Log records, data points and spans a second that each receiver took.", unit: "cps", none: "none" }, ...each("accepted", "")),
          lines({ title: "Refused and failed", text: "Items a second that each receiver refused, or took and could not pass on.", unit: "cps", none: "none" },
            ...each("refused", " > 0"), ...each("failed", " > 0")),
          lines({ title: "Requests to push logs refused", text: "Requests of Loki clients that were not answered with success, by reason.", unit: "cps", none: "none" },
            q(`sum by (reason) (rate(weir_loki_receiver_refused_requests_total[$__rate_interval])) > 0`, "{{reason}}")),
        ),
      ),
      row(
        "What is stored",
        even(
          8,
          lines({ title: "Stored", text: "Samples and log records a second that the local store took.", unit: "cps", none: "none" },
            q(`sum(rate(weir_local_store_samples_total[$__rate_interval]))`, "samples"), q(`sum(rate(weir_local_store_records_total[$__rate_interval]))`, "records")),
          lines({ title: "On disk", text: "Bytes that metrics and logs take on disk.", unit: "bytes", none: "nothing" }, q(`max by (signal) (weir_local_store_disk_bytes)`, "{{signal}}")),
          lines({ title: "Kept for", text: "Age of the oldest sample and record: the retention that is achieved.", unit: "s", none: "nothing" }, q(`max by (signal) (weir_local_store_retained_seconds)`, "{{signal}}")),
          lines({ title: "Series and streams", text: "Metric series in memory, and log streams that were written to within the hour.", none: "none" },
            q(`max(weir_local_store_series)`, "series"), q(`max(weir_local_store_streams)`, "streams")),
        ),
      ),
      row(
        "What was dropped, and why",
        even(
          7,
          lines({ title: "Not stored by reason", text: "Samples and log records that were not stored, by signal and reason.", none: "none" },
            q(`sum by (signal, reason) (increase(weir_local_store_rejected_total[$__rate_interval])) > 0`, "{{signal}}: {{reason}}")),
          lines({ title: "Faults of the log store", text: "Damage found in the stored logs, and writes that failed, by kind, since Weir started. `weir logs verify` says where damage is.", none: "none" },
            q(`sum by (kind) (weir_local_store_faults_total) > 0`, "{{kind}}")),
          lines({ title: "Left out of reports", text: "Data points a second that did not go into a report, by reason. They are stored here all the same.", unit: "cps", none: "none" },
            q(`sum by (reason) (rate(weir_allowlist_dropped_points_total[$__rate_interval])) > 0`, "{{reason}}")),
          lines({ title: "Bounds met", text: "Resources whose service or version was not told apart, since a bound of the vitals was met.", none: "none" },
            q(`sum by (bound) (increase(weir_vitals_limited_total[$__rate_interval]))`, "{{bound}}")),
        ),
      ),
      row(
        "Queue, rules, cost",
        line(
          7,
          [6, lines({ title: "Reports that wait", text: "Reports in the ledger that have no outcome yet.", none: "none" }, q(`sum(weir_upstream_pending_reports)`, "pending"))],
          [6, lines({ title: "Rules", text: "Evaluations of rules a minute, by outcome.", unit: "cpm", none: "none" },
            q(`60 * sum by (outcome) (rate(weir_local_store_rule_evaluations_total[$__rate_interval]))`, "{{outcome}}")).interval("2m")],
          [6, lines({ title: "Memory over time", text: "Memory from the operating system, and the part that the program's own objects take.", unit: "bytes", none: "unknown" },
            q(`sum(otelcol_process_memory_rss_bytes{service_name="weir"})`, "resident"), q(`sum(otelcol_process_runtime_heap_alloc_bytes{service_name="weir"})`, "heap"))],
          [6, lines({ title: "Processor over time", text: "Processors that Weir keeps busy; 1 is one whole processor.", none: "unknown" },
            q(`sum(rate(otelcol_process_cpu_seconds_total{service_name="weir"}[$__rate_interval]))`, "processors"))],
        ),
      ),
    ],
  });
