// Is it all right, and if not, whose is it?
import { build, even, line, row } from "../board";
import { failing, filling, fewIsGood, noneIsGood, plain, silence } from "../look";
import { bars, lines, logLines, named, stat, states } from "../panels";
import { grown, q } from "../query";
import { joined } from "../table";
import { edgeLogs, edgeMetrics, service } from "../variables";
import { deploys, failedShare, own, policy, silentAfter, withinByService } from "./shared";

// The verdict in force as one series: 0 if there is no fault, else 1, so that its
// colour follows; its words are labels.
const verdict = `label_replace(label_replace(max by (weir_fault_domain, weir_fault_owner) ((weir_fault_domain{weir_fault_domain="none"} == 1) * 0 or weir_fault_domain{weir_fault_domain!="none"} == 1), "verdict", "no: $1", "weir_fault_domain", "(.+)"), "verdict", "all right", "weir_fault_domain", "none")`;
const owner = `label_replace(label_replace(${verdict}, "owner", "$1", "weir_fault_owner", "(.+)"), "owner", "nobody's", "weir_fault_owner", "none")`;
const fullest = `max(max(system_filesystem_utilization_ratio) or max(sum(system_memory_utilization_ratio{state="used"})) or max(1 - avg_over_time((avg(system_cpu_utilization_ratio{state="idle"}))[5m:30s])))`;
const day = 86400;

export const overview = () =>
  build({
    uid: "weir-customer-overview", title: "Weir / Overview", set: "weir-customer",
    text: "Is it all right, and if not, whose is it? All data of this dashboard is in your own environment.",
    variables: [edgeMetrics, edgeLogs, service],
    annotations: [deploys, policy],
    rows: [
      row(
        "Is it all right, and if not, whose is it?",
        line(
          5,
          [7, named({ title: "Is it all right?", text: "Where Weir's verdict places the fault: product, dependency, network, host or collector. It rests on the probes below, on the error rates and on Weir's own health.", none: "nothing judged yet" },
            noneIsGood, q(verdict, "{{verdict}}"))],
          [5, named({ title: "Whose is it?", text: "The area that answers for the fault. Who that is, and how to reach them, is in responsibilities.yaml and on the console's page About.", none: "nothing judged yet" },
            noneIsGood, q(owner, "{{owner}}"))],
          [4, stat({ title: "Failed requests", text: "Share of requests that ended in an error or with a status of 5xx, over the time shown.", unit: "percentunit", none: "no requests" },
            failing, q(`sum(rate(weir_service_errors_total{${own}}[$__range])) / sum(rate(weir_service_requests_total{${own}}[$__range]))`, "failed"))],
          [4, stat({ title: "Probes that fail", text: "Probes whose last look found something wrong. The list is below.", none: "0" }, noneIsGood, q(`count(weir_probe_success == 0)`, "probes"))],
          [4, stat({ title: "Alerts", text: "Alerts that are firing now. The list is on Weir itself.", none: "0" }, noneIsGood, q(`count(ALERTS{alertstate="firing"})`, "firing"))],
        ),
        line(
          7,
          [10, states({ title: "Whose it was", text: "Where the fault lay when, as far as the verdict goes.", none: "nothing judged yet" }, ["transparent", [1, "red"]], { "0": " ", "1": "fault" },
            q(`max by (weir_fault_domain) (weir_fault_domain{weir_fault_domain!="none"})`, "{{weir_fault_domain}}"))],
          [14, joined({ title: "Probes", text: "The evidence: what each probe found last. Which there are is configured; what they name stays here.", none: "none configured" },
            { labels: { weir_probe_name: "Probe", weir_probe_kind: "Kind" }, sort: { by: "All right", desc: false } },
            { title: "All right", expr: `max by (weir_probe_name, weir_probe_kind) (weir_probe_success)`, words: { "0": "no", "1": "yes" }, levels: ["red", [1, "green"]] },
            { title: "Took", unit: "s", expr: `max by (weir_probe_name) (weir_probe_duration_seconds)` },
            { title: "Available", unit: "percentunit", expr: `min by (weir_probe_name) (weir_probe_available_ratio)`, levels: ["red", [0.05, "orange"], [0.1, "green"]] },
            { title: "Certificate for", unit: "s", expr: `min by (weir_probe_name) (weir_probe_tls_expiry_seconds)`, levels: ["red", [7 * day, "orange"], [30 * day, "green"]] },
            { title: "Clock ahead", unit: "s", expr: `max by (weir_probe_name) (weir_probe_clock_skew_seconds)` })],
        ),
        even(
          4,
          stat({ title: "Services heard", text: "Services that logged, traced or measured something in the last five minutes.", none: "0" },
            ["red", [1, "green"]], q(`count(weir_service_silence_seconds{${own}} < ${silentAfter})`, "heard")),
          stat({ title: "Services silent", text: "Services that were heard before and have said nothing for five minutes. Look at Service.", none: "0" },
            fewIsGood, q(`count(weir_service_silence_seconds{${own}} >= ${silentAfter})`, "silent")),
          stat({ title: "Errors logged", text: "Log records of severity error and fatal in the time shown. Look at Logs.", none: "0" },
            ["green", [1, "orange"], [1000, "red"]], q(`sum(increase(weir_log_records_total{${own}, severity=~"error|fatal"}[$__range]))`, "records")),
          stat({ title: "Fullest resource", text: "How full the host's fullest disk or its memory is, or how busy its processors were for five minutes, whichever is most. Look at Host.", unit: "percentunit", none: "no host metrics" },
            filling, q(fullest, "full")),
          stat({ title: "Not stored", text: "Samples and log records that the local store did not take, in the time shown. Look at Weir itself.", none: "0" }, fewIsGood,
            q(grown("weir_local_store_rejected_total"), "items")),
          stat({ title: "Reports that wait", text: "Reports that are recorded and not yet acknowledged. Nothing is lost by it. Look at What leaves.", none: "0" }, ["green", [6, "orange"], [60, "red"]],
            q(`sum(weir_upstream_pending_reports)`, "reports")),
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
          named({ title: "Policy", text: "State of the policy. Only in the state active does anything leave; every other state says why nothing does.", none: "unknown" },
            plain, q(`weir_policy_state == 1`, "{{state}}")),
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
