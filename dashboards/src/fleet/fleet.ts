// Which installs are alive, and which need somebody?
import { build, even, row } from "../board";
import { failing, fewIsGood, filling, noneIsGood } from "../look";
import { lines, stacked, stat, states } from "../panels";
import { q } from "../query";
import { joined } from "../table";
import { fleetMetrics, ring } from "../variables";
import { answer, deploys, policies, toInstall } from "./shared";

const inRing = `and on (weir_install_id) weir:install:ring{weir_fleet_ring=~"$ring"}`;
const degraded = `(weir:install:error_ratio15m > 0.05 or weir:install:headroom < 0.1 or weir:install:missing_reports1h > 3)`;

export const fleet = () =>
  build({
    uid: "weir-fleet-overview", title: "Weir / Fleet", set: "weir-fleet",
    text: "Which installs are alive, and which need somebody. Everything here came in reports that the customers' policies allow.",
    variables: [fleetMetrics, ring],
    annotations: [deploys, policies],
    rows: [
      row(
        "Is the fleet all right?",
        even(
          4,
          stat({ title: "Alive", text: "Installs whose last report is younger than three of their own intervals.", none: "0" }, ["red", [1, "green"]],
            q(`count(weir:install:alive == 1 ${inRing})`, "alive")),
          stat({ title: "Silent", text: "Installs that were heard within 30 days and are not alive.", none: "0" }, noneIsGood, q(`count(weir:install:alive == 0 ${inRing})`, "silent")),
          stat({ title: "Degraded", text: "Live installs where more than 5 of 100 requests fail, less than a tenth of a resource is left, or reports went missing.", none: "0" }, fewIsGood,
            q(`count(count by (weir_install_id) (${degraded} and on (weir_install_id) weir:install:alive == 1 ${inRing}))`, "degraded")),
          stat({ title: "Not as desired", text: "Live installs in which a service does not run what the release catalogue wants for its ring.", none: "0" }, fewIsGood,
            q(`count(weir:install:in_desired_state == 0 and on (weir_install_id) weir:install:alive == 1 ${inRing})`, "not desired")),
          stat({ title: "Headroom", text: "Nine tenths of the live installs have at least this share left of their scarcest resource.", unit: "percentunit", none: "not reported" },
            ["red", [0.1, "orange"], [0.2, "green"]], q(`weir:fleet:headroom`, "headroom")),
          stat({ title: "Alerts", text: "Alerts that are firing now. The list is on Incidents.", none: "0" }, noneIsGood, q(`count(ALERTS{alertstate="firing"})`, "firing")),
        ),
      ),
      row(
        "Installs",
        even(
          11,
          joined(
            { title: "Installs", text: "A line for each install; its id leads to all that is known of it.", none: "no installs" },
            { labels: { weir_install_id: "Install", weir_customer: "Customer", weir_fleet_ring: "Ring" }, links: toInstall, sort: { by: "Silent for", desc: true } },
            { title: "Alive", expr: `max by (weir_install_id) (weir:install:alive ${inRing})`, words: answer, levels: ["red", [1, "green"]] },
            { title: "Customer", expr: `max by (weir_install_id, weir_customer) (weir_fleet_install_info)`, hidden: true },
            { title: "Ring", expr: `max by (weir_install_id, weir_fleet_ring) (weir:install:ring)`, hidden: true },
            { title: "Silent for", unit: "s", expr: `max by (weir_install_id) (weir:install:silence_seconds)` },
            { title: "As desired", expr: `max by (weir_install_id) (weir:install:in_desired_state)`, words: answer, levels: ["orange", [1, "green"]] },
            { title: "Failed", unit: "percentunit", expr: `max by (weir_install_id) (weir:install:error_ratio15m)`, levels: failing },
            { title: "Processor", unit: "percentunit", expr: `max by (weir_install_id) (weir:install:utilization{resource="cpu"})`, levels: filling },
            { title: "Memory", unit: "percentunit", expr: `max by (weir_install_id) (weir:install:utilization{resource="memory"})`, levels: filling },
            { title: "Disk", unit: "percentunit", expr: `max by (weir_install_id) (weir:install:utilization{resource="disk"})`, levels: filling },
            { title: "Missing", expr: `max by (weir_install_id) (weir:install:missing_reports1h)`, levels: fewIsGood },
            { title: "Policy", expr: `max by (weir_install_id) (weir:install:policy_revision)` },
          ),
        ),
        even(7, states({ title: "Alive over time", text: "Green while reports come, red once three intervals passed without one.", none: "no installs" }, ["red", [1, "green"]],
          { "0": "silent", "1": "alive" }, q(`max by (weir_install_id) (weir:install:alive ${inRing})`, "{{weir_install_id}}"))),
      ),
      row(
        "Over time",
        even(
          7,
          stacked(lines({ title: "Installs over time", text: "Installs that are alive, and those that are silent.", none: "no installs" }, q(`weir:fleet:installs_alive`, "alive"), q(`weir:fleet:installs_silent`, "silent"))),
          lines({ title: "Failed requests by service", text: "Share of each service's requests in the whole fleet that failed, over 15 minutes.", unit: "percentunit", none: "no requests" },
            q(`max by (service_name) (weir:fleet:error_ratio15m)`, "{{service_name}}")),
          stacked(lines({ title: "Policy revisions", text: "Live installs by the revision of the policy that they report under.", none: "no installs" },
            q(`max by (revision) (weir:fleet:policy_revision_installs)`, "revision {{revision}}"))),
        ),
      ),
    ],
  });
