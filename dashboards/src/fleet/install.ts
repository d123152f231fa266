// One install: all that it has told, and when it did not.
import { build, even, line, row } from "../board";
import { failing, fewIsGood, noneIsGood, plain } from "../look";
import { lines, named, stat, states, worded } from "../panels";
import { q } from "../query";
import { joined } from "../table";
import { fleetMetrics, install } from "../variables";
import { answer, deploys, policies } from "./shared";

const own = `weir_install_id="$install"`;

// Each fact of the environment and the label that has its word.
const facts: [fact: string, label: string, legend: string][] = [
  ["platform", "weir_platform", "{{weir_platform}}"],
  ["orchestrator", "weir_orchestrator", "orchestrator: {{weir_orchestrator}}"],
  ["os", "weir_os_family", "{{weir_os_family}}"],
  ["architecture", "host_arch", "{{host_arch}}"],
  ["size", "weir_size", "{{weir_size}}"],
  ["proxy", "weir_proxy", "proxy: {{weir_proxy}}"],
  ["air_gap", "weir_air_gap", "air gap: {{weir_air_gap}}"],
];
const surroundings = facts.map(([fact, label, legend]) => q(`max by (${label}) (last_over_time(weir_environment_${fact}{${own}}[$__range]) == 1)`, legend));

// When each configuration was last reported; the newest of them is in force.
const reported = `max by (weir_configuration_hash) (max_over_time(timestamp(weir_configuration{${own}})[$__range:1m]))`;

export const installBoard = () =>
  build({
    uid: "weir-fleet-install", title: "Weir / Install", set: "weir-fleet", range: "now-24h",
    text: "One install: all that its reports have told, its versions, and its gaps.",
    variables: [fleetMetrics, install],
    annotations: [deploys, policies],
    rows: [
      row(
        "Now",
        line(
          4,
          [4, worded({ title: "Alive", text: "Whether its last report is younger than three of its own intervals.", none: "never heard" }, ["red", [1, "green"]], answer, q(`max(weir:install:alive{${own}})`, "alive"))],
          [4, stat({ title: "Silent for", text: "Time since its last report.", unit: "s", none: "never heard" }, ["green", [180, "orange"], [900, "red"]], q(`max(weir:install:silence_seconds{${own}})`, "ago"))],
          [6, named({ title: "Customer", text: "The name that it was enrolled under.", none: "not enrolled here" }, plain, q(`max by (weir_customer) (weir_fleet_install_info{${own}})`, "{{weir_customer}}"))],
          [3, named({ title: "Ring", text: "The ring in which the catalogue puts it.", none: "no catalogue" }, plain, q(`max by (weir_fleet_ring) (weir:install:ring{${own}})`, "{{weir_fleet_ring}}"))],
          [3, worded({ title: "As desired", text: "Whether all its services run what the catalogue wants for its ring.", none: "no catalogue" }, ["orange", [1, "green"]], answer,
            q(`max(weir:install:in_desired_state{${own}})`, "desired"))],
          [4, stat({ title: "Failed requests", text: "Share of its requests over 15 minutes that failed.", unit: "percentunit", none: "no requests" }, failing, q(`max(weir:install:error_ratio15m{${own}})`, "failed"))],
        ),
        even(
          4,
          stat({ title: "First heard", text: "Time since it was enrolled or first heard.", unit: "s", none: "never heard" }, plain, q(`time() - min(weir:install:began_seconds{${own}})`, "ago")),
          stat({ title: "To its first signal", text: "Time from its beginning to the first word of the product itself.", unit: "s", none: "no signal yet" }, ["green", [3600, "orange"], [86400, "red"]],
            q(`max(weir:install:time_to_first_signal_seconds{${own}})`, "took")),
          stat({ title: "Reports missing", text: "Reports that it made within the last hour and that did not come.", none: "0" }, fewIsGood, q(`max(weir:install:missing_reports1h{${own}})`, "missing")),
          stat({ title: "Policy revision", text: "The revision of the policy that its reports name.", none: "unknown" }, plain, q(`max(weir:install:policy_revision{${own}})`, "revision")),
          stat({ title: "Releases behind", text: "Releases that its service furthest behind has to catch up with.", none: "0" }, ["green", [2, "orange"], [4, "red"]],
            q(`max(weir:install:releases_behind{${own}})`, "releases")),
          stat({ title: "Headroom", text: "What is left of its scarcest resource.", unit: "percentunit", none: "not reported" }, ["red", [0.1, "orange"], [0.2, "green"]],
            q(`min(weir:install:headroom{${own}})`, "headroom")),
        ),
        line(
          4,
          [12, named({ title: "Surroundings", text: "On what it runs, as its reports in the time shown said: each fact a word, two words where it changed. Nothing stands here if its policy does not name them.", none: "not reported" },
            plain, ...surroundings)],
          [5, stat({ title: "Configuration changed", text: "Time since its reports last named another configuration than now, by a keyed hash. What changed is known at the install alone. Nothing stands here if its policy does not name it.",
            unit: "s", none: "none in this time" }, ["orange", [86400, "green"]], q(`time() - max(${reported} < scalar(max(${reported})))`, "ago"))],
          [7, named({ title: "Fault", text: "Where it says that a fault lies now, and which area there owns it.", none: "none reported" }, noneIsGood,
            q(`max by (weir_fault_domain, weir_fault_owner) (weir_fault_domain{${own}, weir_fault_domain!="none"} == 1)`, "{{weir_fault_domain}}: {{weir_fault_owner}}"))],
        ),
      ),
      row(
        "History and gaps",
        line(
          7,
          [5, states({ title: "Alive over time", text: "Green while reports come, red once three intervals passed without one.", none: "never heard" }, ["red", [1, "green"]], { "0": "silent", "1": "alive" },
            q(`max(weir:install:alive{${own}})`, "alive"))],
          [5, states({ title: "Faults over time", text: "Where it said that a fault lay when.", none: "none reported" }, ["transparent", [1, "red"]], { "0": " ", "1": "fault" },
            q(`max by (weir_fault_domain) (weir_fault_domain{${own}, weir_fault_domain!="none"}) > 0`, "{{weir_fault_domain}}"))],
          [6, states({ title: "Versions over time", text: "Which version of which service it ran when.", none: "no versions" }, plain, { "1": "runs" },
            q(`max by (service_name, service_version) (weir:install:version{${own}})`, "{{service_name}} {{service_version}}"))],
          [8, joined({ title: "Services", text: "What each of its services runs and how it fares, over 15 minutes.", none: "no services" },
            { labels: { service_name: "Service", service_version: "Version" } },
            { title: "Behind", expr: `max by (service_name) (weir:install:releases_behind{${own}})`, levels: fewIsGood },
            { title: "Version", expr: `max by (service_name, service_version) (weir:install:release{${own}})`, hidden: true },
            { title: "Requests", unit: "reqps", expr: `max by (service_name) (weir:install_service:requests:rate15m{${own}})` },
            { title: "Failed", unit: "percentunit", expr: `max by (service_name) (weir:install_service:errors:rate15m{${own}}) / max by (service_name) (weir:install_service:requests:rate15m{${own}})`, levels: failing })],
        ),
        even(
          7,
          lines({ title: "Silence", text: "Age of the newest report. A slope is a gap; where it falls to nothing, the gap ended.", unit: "s", none: "never heard" }, q(`max(weir:install:silence_seconds{${own}})`, "age")),
          lines({ title: "Reports missing over time", text: "Reports of the hour before each moment that were made and did not come. What comes late closes its gap.", none: "none" }, q(`max(weir:install:missing_reports1h{${own}})`, "missing")),
          lines({ title: "Sequence", text: "Number of its newest report. A fall means that its ledger was lost or restored.", none: "never heard" }, q(`max(weir_fleet_report_sequence{${own}})`, "number")),
          lines({ title: "Policy revision over time", text: "The revision of the policy that its reports name.", none: "unknown" }, q(`max(weir:install:policy_revision{${own}})`, "revision")),
        ),
      ),
      row(
        "How it fares",
        even(
          8,
          lines({ title: "Requests by service", text: "Requests a second over 15 minutes.", unit: "reqps", none: "no requests" }, q(`max by (service_name) (weir:install_service:requests:rate15m{${own}})`, "{{service_name}}")),
          lines({ title: "Failed by service", text: "Share of each service's requests over 15 minutes that failed.", unit: "percentunit", none: "no requests" },
            q(`max by (service_name) (weir:install_service:errors:rate15m{${own}}) / max by (service_name) (weir:install_service:requests:rate15m{${own}})`, "{{service_name}}")),
          lines({ title: "Utilization", text: "How full its processors, its memory and its fullest disk are.", unit: "percentunit", none: "not reported" },
            q(`max by (resource) (weir:install:utilization{${own}})`, "{{resource}}")).max(1),
          lines({ title: "Errors logged", text: "Log records of severity error and fatal, counted by the install, a second over 15 minutes.", unit: "cps", none: "none" },
            q(`sum by (service_name) (rate(weir_log_records_total{${own}, severity=~"error|fatal"}[15m]))`, "{{service_name}}")),
        ),
      ),
    ],
  });

