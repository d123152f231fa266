// The gateway that takes reports: does it keep up, and whom does it turn away?
import { build, even, line, row } from "../board";
import { fewIsGood, noneIsGood, plain } from "../look";
import { heat, lines, stat } from "../panels";
import { grown, q } from "../query";
import { fleetMetrics } from "../variables";
import { deploys, policies } from "./shared";

// How much older than its interval each live install's newest report is.
const late = `clamp_min(weir:install:silence_seconds - on (weir_install_id) weir:install:interval_seconds, 0) and on (weir_install_id) weir:install:alive == 1`;
const answered = (by: string) => `sum by (${by}) (rate(weir_fleet_request_duration_seconds_bucket[$__rate_interval]))`;
const self = `service_name="weir-fleet"`;

export const gateway = () =>
  build({
    uid: "weir-fleet-gateway", title: "Weir / Fleet gateway", set: "weir-fleet",
    text: "The gateway that takes reports: how many, how old they are when they arrive, whom it turns away and why, and what it costs.",
    variables: [fleetMetrics],
    annotations: [deploys, policies],
    rows: [
      row(
        "Now",
        line(
          4,
          [4, stat({ title: "Accepted", text: "Reports that their policy allows and that were stored, in the time shown.", none: "0" }, plain, q(`sum(increase(weir_gate_accepted_reports_total[$__range]))`, "reports"))],
          [4, stat({ title: "Answered within", text: "99 of 100 requests in the time shown were answered within this time.", unit: "s", none: "no requests" }, ["green", [1, "orange"], [5, "red"]],
            q(`histogram_quantile(0.99, sum by (le) (rate(weir_fleet_request_duration_seconds_bucket[$__range])))`, "p99"))],
          [3, stat({ title: "Refused", text: "Reports that no known policy would have produced, in the time shown. They are not stored.", none: "0" }, noneIsGood, q(grown("weir_gate_refused_reports_total"), "reports"))],
          [4, stat({ title: "Duplicates", text: "Reports that came again after they had been accepted, in the time shown. They are answered with success and not counted twice.", none: "0" }, ["green", [100, "orange"]],
            q(grown("weir_gate_duplicate_reports_total"), "reports"))],
          [3, stat({ title: "Turned away", text: "Requests without a good certificate, or to no good path, in the time shown.", none: "0" }, fewIsGood,
            q(grown('weir_fleet_refused_requests_total{reason!="report"}'), "requests"))],
          [3, stat({ title: "Policies", text: "Policies that reports are checked against. Without one nothing is taken.", none: "0" }, ["red", [1, "green"]], q(`max(weir_gate_policies)`, "policies"))],
          [3, stat({ title: "Releases", text: "Releases in the catalogue.", none: "0" }, plain, q(`max(weir_releases_known)`, "releases"))],
        ),
      ),
      row(
        "Reports",
        even(
          8,
          lines({ title: "Reports", text: "Reports a second that were accepted, came twice, or could not be stored and are sent again.", unit: "cps", none: "none" },
            q(`sum(rate(weir_gate_accepted_reports_total[$__rate_interval]))`, "accepted"),
            q(`sum(rate(weir_gate_duplicate_reports_total[$__rate_interval]))`, "duplicates"),
            q(`sum(rate(weir_gate_failed_reports_total[$__rate_interval]))`, "not stored")),
          lines({ title: "Refused by reason", text: "Reports that no known policy would have produced, or that claim to be another install's, by reason and sender.", none: "none" },
            q(`sum by (reason, weir_install_id) (increase(weir_gate_refused_reports_total[$__rate_interval])) > 0`, "{{reason}} {{weir_install_id}}")),
          lines({ title: "Senders turned away by reason", text: "Requests without a good certificate, or to no good path, by reason and, where it is proved, sender.", none: "none" },
            q(`sum by (reason, weir_install_id) (increase(weir_fleet_refused_requests_total{reason!="report"}[$__rate_interval])) > 0`, "{{reason}} {{weir_install_id}}")),
        ),
        even(
          8,
          heat({ title: "Answers", text: "How long the gateway took to answer: each column a moment, each row a range of durations, the stronger the colour the more requests.", unit: "s", none: "no requests" },
            q(answered("le"), "{{le}}")),
          lines({ title: "Answers by share", text: "Half and 99 of 100 requests were answered within these times, and 99 of 100 reports by what was answered.", unit: "s", none: "no requests" },
            q(`histogram_quantile(0.5, ${answered("le")})`, "50 of 100"), q(`histogram_quantile(0.99, ${answered("le")})`, "99 of 100"),
            q(`histogram_quantile(0.99, ${answered("le, exchange, http_response_status_class")})`, "{{exchange}} {{http_response_status_class}}")),
          lines({ title: "How late the picture is", text: "Age of each install's newest report beyond its interval, for half, nine tenths and the last of the live installs.", unit: "s", none: "no installs" },
            q(`quantile(0.5, ${late})`, "50 of 100"), q(`quantile(0.9, ${late})`, "90 of 100"), q(`max(${late})`, "the last")),
        ),
        even(
          7,
          lines({ title: "Enrolments and receipts", text: "Certificates a minute that were given for a token or renewed, and checkpoints that were countersigned.", unit: "cpm", none: "none" },
            q(`60 * sum(rate(weir_fleet_enrolments_total[$__rate_interval]))`, "enrolments"), q(`60 * sum(rate(weir_fleet_renewals_total[$__rate_interval]))`, "renewals"),
            q(`60 * sum(rate(weir_fleet_receipts_total[$__rate_interval]))`, "receipts")),
          lines({ title: "Untrue statements", text: "Statements about ledgers that were not true of the report they came with, by reason. Look at the install.", none: "none" },
            q(`sum by (reason, weir_install_id) (increase(weir_fleet_refused_statements_total[$__rate_interval])) > 0`, "{{reason}} {{weir_install_id}}")),
          lines({ title: "Counted anew", text: "Installs that counted their reports anew, and those whose last number was forgotten to bound memory.", none: "none" },
            q(`sum(increase(weir_gate_restarted_installs_total[$__rate_interval]))`, "restarted"), q(`sum(increase(weir_gate_forgotten_installs_total[$__rate_interval]))`, "forgotten")),
        ),
      ),
      row(
        "Store and cost",
        even(
          7,
          lines({ title: "Stored", text: "Samples a second that the fleet's store took, and those that it did not.", unit: "cps", none: "none" },
            q(`sum(rate(weir_local_store_samples_total[$__rate_interval]))`, "samples"), q(`sum by (reason) (rate(weir_local_store_rejected_total[$__rate_interval])) > 0`, "not stored: {{reason}}")),
          lines({ title: "Series", text: "Metric series in memory, about a hundred an install.", none: "none" }, q(`max(weir_local_store_series)`, "series")),
          lines({ title: "On disk", text: "Bytes that metrics and receipts take on disk.", unit: "bytes", none: "nothing" }, q(`max by (signal) (weir_local_store_disk_bytes)`, "{{signal}}")),
          lines({ title: "Rules", text: "Evaluations of rules a minute, by outcome.", unit: "cpm", none: "none" }, q(`60 * sum by (outcome) (rate(weir_local_store_rule_evaluations_total[$__rate_interval]))`, "{{outcome}}")).interval("2m"),
        ),
        even(
          7,
          lines({ title: "Memory", text: "Memory from the operating system, and the part that the program's own objects take.", unit: "bytes", none: "unknown" },
            q(`sum(otelcol_process_memory_rss_bytes{${self}})`, "resident"), q(`sum(otelcol_process_runtime_heap_alloc_bytes{${self}})`, "heap")),
          lines({ title: "Processor", text: "Processors that the gateway keeps busy; 1 is one whole processor.", none: "unknown" },
            q(`sum(rate(otelcol_process_cpu_seconds_total{${self}}[$__rate_interval]))`, "processors")),
          lines({ title: "Refused at the door", text: "Items a second that receivers refused, or took and could not pass on.", unit: "cps", none: "none" },
            ...["refused", "failed"].map((what) => q(`sum by (receiver) (rate(otelcol_receiver_${what}_metric_points_total[$__rate_interval]))`, `{{receiver}} ${what}`))),
        ),
      ),
    ],
  });
