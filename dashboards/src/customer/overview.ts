// Is it all right, and if not, whose is it?
import { build, even, line, row } from "../board";
import { failing, filling, fewIsGood, noneIsGood, plain, silence } from "../look";
import { bars, lines, logLines, named, stat, states, worded } from "../panels";
import { grown, q } from "../query";
import { joined } from "../table";
import { edgeLogs, edgeMetrics, service } from "../variables";
import { deploys, failedShare, own, policy, silentAfter, withinByService } from "./shared";

// One question for each who may be at fault: 1 where something is wrong. What is
// not measured is not wrong.
const wrong = (...conditions: string[]) => `max(${conditions.map((c) => `(max(${c}) * 0 + 1)`).join(" or ")} or vector(0))`;
const product = wrong(
  `sum by (service_name) (rate(weir_service_errors_total{${own}}[$__range])) / (sum by (service_name) (rate(weir_service_requests_total{${own}}[$__range])) > 0) > 0.05`,
  `weir_service_silence_seconds{${own}} >= ${silentAfter} and on (service_name) weir_service_version`,
);
const host = wrong(
  `system_filesystem_utilization_ratio > 0.9`,
  `system_memory_utilization_ratio{state="used"} > 0.95`,
  `1 - avg_over_time((avg(system_cpu_utilization_ratio{state="idle"}))[5m:30s]) > 0.95`,
);
const road = wrong(`weir_upstream_pending_reports > 5 and time() - weir_upstream_last_success_time_seconds > 600`);
const weir = wrong(
  `${grown("weir_local_store_rejected_total")} > 0`,
  `${grown("weir_upstream_refused_total")} > 0`,
  `weir_local_store_rule_files_refused > 0`,
);
const verdict = { "0": "all right", "1": "look here" };

export const overview = () =>
  build({
    uid: "weir-customer-overview", title: "Weir / Overview", set: "weir-customer",
    text: "Is it all right, and if not, whose is it? All data of this dashboard is in your own environment.",
    variables: [edgeMetrics, edgeLogs, service],
    annotations: [deploys, policy],
    rows: [
      row(
        "Is it all right?",
        even(
          4,
          stat({ title: "Services heard", text: "Services that logged, traced or measured something in the last five minutes.", none: "0" },
            ["red", [1, "green"]], q(`count(weir_service_silence_seconds{${own}} < ${silentAfter})`, "heard")),
          stat({ title: "Services silent", text: "Services that were heard before and have said nothing for five minutes.", none: "0" },
            fewIsGood, q(`count(weir_service_silence_seconds{${own}} >= ${silentAfter})`, "silent")),
          stat({ title: "Failed requests", text: "Share of requests that ended in an error or with a status of 5xx, over the time shown.", unit: "percentunit", none: "no requests" },
            failing, q(`sum(rate(weir_service_errors_total{${own}}[$__range])) / sum(rate(weir_service_requests_total{${own}}[$__range]))`, "failed")),
          stat({ title: "Errors logged", text: "Log records of severity error and fatal in the time shown.", none: "0" },
            ["green", [1, "orange"], [1000, "red"]], q(`sum(increase(weir_log_records_total{${own}, severity=~"error|fatal"}[$__range]))`, "records")),
          stat({ title: "Alerts", text: "Alerts that are firing now. The list is on Weir itself.", none: "0" }, noneIsGood, q(`count(ALERTS{alertstate="firing"})`, "firing")),
          named({ title: "What leaves", text: "State of the policy. Only in the state active does anything leave; every other state says why nothing does.", none: "unknown" },
            plain, q(`weir_policy_state == 1`, "{{state}}")),
        ),
      ),
      row(
        "If not, whose is it?",
        even(
          4,
          worded({ title: "The product", text: "Red when more than 5 of 100 requests of a service fail, or one with a known version fell silent. Look at Service.", none: "unknown" },
            noneIsGood, verdict, q(product, "product")),
          worded({ title: "The host", text: "Red when a disk is fuller than 90 of 100, memory than 95, or all processors were busy for five minutes. Look at Host.", none: "unknown" },
            noneIsGood, verdict, q(host, "host")),
          worded({ title: "The road to the vendor", text: "Red when reports wait and none was acknowledged for ten minutes. Nothing is lost by it. Look at What leaves.", none: "unknown" },
            noneIsGood, verdict, q(road, "road")),
          worded({ title: "Weir", text: "Red when Weir did not store or did not let out something in the time shown, or its rules have a fault. Look at Weir itself.", none: "unknown" },
            noneIsGood, verdict, q(weir, "weir")),
        ),
      ),
      row(
        "Services",
        line(
          8,
          [12, joined(
            { title: "Services", text: "What each service runs, when it was last heard, and how it fares over the time shown.", none: "no services" },
            { labels: { service_name: "Service", service_version: "Version" }, links: { service_name: "/d/weir-customer-service?var-service=${__data.fields.service_name}&${__url_time_range}" } },
            { title: "Running", expr: `max by (service_name, service_version) (weir_service_version{${own}})`, hidden: true },
            { title: "Last heard", unit: "s", expr: `min by (service_name) (weir_service_silence_seconds{${own}})`, levels: ["green", [60, "orange"], [300, "red"]] },
            { title: "Requests", unit: "reqps", expr: `sum by (service_name) (rate(weir_service_requests_total{${own}}[$__range]))` },
            { title: "Failed", unit: "percentunit", expr: failedShare("service_name", "$__range"), levels: failing },
          )],
          [12, states({ title: "Heard", text: "Green while a service says anything at all; red once it has been silent for five minutes.", none: "no services" },
            ["red", [1, "green"]], { "0": "silent", "1": "heard" },
            q(`min by (service_name) (weir_service_silence_seconds{${own}}) < bool ${silentAfter}`, "{{service_name}}"))],
        ),
        even(
          7,
          lines({ title: "Failed requests by service", text: "Share of each service's requests that ended in an error or with 5xx.", unit: "percentunit", none: "no requests" },
            q(failedShare("service_name", "$__rate_interval"), "{{service_name}}")),
          lines({ title: "Duration, 95 of 100", text: "95 of 100 requests were answered within this time, by service.", unit: "s", none: "no requests" },
            q(withinByService(0.95, "$__rate_interval"), "{{service_name}}")),
          bars({ title: "Disks", text: "How full each file system is.", unit: "percentunit", none: "no host metrics" }, filling, 1,
            q(`max by (mountpoint) (system_filesystem_utilization_ratio)`, "{{mountpoint}}")),
        ),
        even(
          8,
          logLines({ title: "Lines with errors", text: "The newest lines of severity error and fatal, in full. They are stored here and nowhere else.", none: "none" },
            `{service_name=~"$service"} | detected_level=~"error|critical|fatal"`),
        ),
      ),
      row(
        "What leaves",
        even(
          4,
          stat({ title: "Reports sent", text: "Reports that the vendor's fleet acknowledged in the time shown.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_reports_total{outcome="acknowledged"}[$__range]))`, "sent")),
          stat({ title: "Bytes sent", text: "Bytes of reports that went over the network in the time shown, repetitions included.", unit: "bytes", none: "0" }, plain,
            q(`sum(increase(weir_upstream_sent_bytes_total[$__range]))`, "sent")),
          stat({ title: "Refused", text: "Reports that the gate here or the fleet there did not take, in the time shown.", none: "0" }, fewIsGood,
            q(`${grown("weir_upstream_refused_total")} + ${grown('weir_upstream_reports_total{outcome="refused"}')}`, "refused")),
          stat({ title: "Last sent", text: "Time since the fleet last acknowledged a report.", unit: "s", none: "not yet" }, silence,
            q(`time() - max(weir_upstream_last_success_time_seconds > 0)`, "ago")),
        ),
      ),
    ],
  });
