// What is wrong now, for how long, and whose it is.
import { build, even, line, row } from "../board";
import { fewIsGood, noneIsGood } from "../look";
import { bars, lines, stacked, stat, states } from "../panels";
import { q } from "../query";
import { joined } from "../table";
import { fleetMetrics } from "../variables";
import { deploys, policies, toInstall } from "./shared";

const faulty = `weir_install_id!="", weir_fault_domain!="none"`;
const firing = `ALERTS{alertstate="firing"}`;

export const incidents = () =>
  build({
    uid: "weir-fleet-incidents", title: "Weir / Incidents", set: "weir-fleet", range: "now-6h",
    text: "What is wrong now, where, since when, and whose it is: product, dependency, network, host or collector, where installs say so.",
    variables: [fleetMetrics],
    annotations: [deploys, policies],
    rows: [
      row(
        "Now",
        even(
          4,
          stat({ title: "To act on now", text: "Alerts that are firing and want somebody at once.", none: "0" }, noneIsGood, q(`count(ALERTS{alertstate="firing", severity="page"})`, "page")),
          stat({ title: "To look at", text: "Alerts that are firing and can wait for the working day.", none: "0" }, fewIsGood, q(`count(ALERTS{alertstate="firing", severity="ticket"})`, "ticket")),
          stat({ title: "About to fire", text: "Alerts whose condition holds, not yet for as long as they ask.", none: "0" }, fewIsGood, q(`count(ALERTS{alertstate="pending"})`, "pending")),
          stat({ title: "Installs silent", text: "Installs that were heard within 30 days and are not alive.", none: "0" }, noneIsGood, q(`weir:fleet:installs_silent`, "silent")),
          stat({ title: "To the first signal", text: "Half of the installs told the first word of the product within this time from their beginning.", unit: "s", none: "no installs" }, ["green", [3600, "orange"], [86400, "red"]],
            q(`quantile(0.5, weir:install:time_to_first_signal_seconds)`, "median")),
          stat({ title: "Without a signal", text: "Live installs that have not told a word of the product yet.", none: "0" }, fewIsGood,
            q(`count(weir:install:alive == 1 unless on (weir_install_id) weir:install:first_signal_seconds)`, "installs")),
        ),
      ),
      row(
        "Alerts",
        line(
          7,
          [14, joined({ title: "Alerts firing", text: "The alerts that are firing now; an install's id leads to all that is known of it.", none: "none" },
            { labels: { alertname: "Alert", severity: "Severity", weir_install_id: "Install", service_name: "Service", service_version: "Version", weir_fleet_ring: "Ring", reason: "Reason" }, links: toInstall },
            { title: "Firing", expr: `max by (alertname, severity, weir_install_id, service_name, service_version, weir_fleet_ring, reason) (${firing})`, words: { "1": "yes" } })],
          [10, states({ title: "Alerts over time", text: "When each alert fired, and at how many places.", none: "none" }, ["orange"], {}, q(`count by (alertname) (${firing})`, "{{alertname}}"))],
        ),
      ),
      row(
        "Whose is it?",
        line(
          8,
          [10, joined({ title: "Faults", text: "Live installs that say that something is wrong: where the fault lies, and which area there owns it. Only installs whose policy names it say so.", none: "none reported" },
            { labels: { weir_install_id: "Install", weir_fault_domain: "Fault", weir_fault_owner: "Owner" }, links: toInstall },
            { title: "For", unit: "s", expr: `max by (weir_install_id, weir_fault_domain, weir_fault_owner) (60 * sum_over_time(weir_fault_domain{${faulty}}[$__range:1m]) and weir_fault_domain{${faulty}} == 1)` })],
          [5, stacked(lines({ title: "Fault domains", text: "Live installs by where they say the fault lies.", none: "none reported" },
            q(`sum by (weir_fault_domain) (weir:fleet:fault_installs{weir_fault_domain!="none"})`, "{{weir_fault_domain}}")))],
          [4, bars({ title: "Owners", text: "Live installs by whom they say the fault belongs to.", none: "none reported" }, ["orange"], undefined,
            q(`sum by (weir_fault_domain, weir_fault_owner) (weir:fleet:fault_installs{weir_fault_domain!="none"})`, "{{weir_fault_domain}}: {{weir_fault_owner}}"))],
          [5, bars({ title: "Most failing installs", text: "The ten live installs in which the largest share of requests failed, over 15 minutes.", unit: "percentunit", none: "no requests" }, ["green", [0.01, "orange"], [0.05, "red"]], undefined,
            q(`topk(10, max by (weir_install_id) (weir:install:error_ratio15m))`, "{{weir_install_id}}"))],
        ),
      ),
      row(
        "Time to the first signal",
        line(
          8,
          [12, joined({ title: "Installs by age", text: "How long each install took to tell the first word of the product; an empty cell is still waiting.", none: "no installs" },
            { labels: { weir_install_id: "Install" }, links: toInstall, sort: { by: "Age", desc: false } },
            { title: "Age", unit: "s", expr: `time() - min by (weir_install_id) (weir:install:began_seconds)` },
            { title: "To the first signal", unit: "s", expr: `max by (weir_install_id) (weir:install:time_to_first_signal_seconds)`, levels: ["green", [3600, "orange"], [86400, "red"]] })],
          [12, lines({ title: "Time to the first signal over time", text: "Half and nine tenths of the installs told their first signal within these times.", unit: "s", none: "no installs" },
            q(`quantile(0.5, weir:install:time_to_first_signal_seconds)`, "50 of 100"), q(`quantile(0.9, weir:install:time_to_first_signal_seconds)`, "90 of 100"))],
        ),
      ),
    ],
  });
