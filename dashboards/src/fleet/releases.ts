// How a release spreads, and whether it fails more than what it replaces.
import { build, even, line, row } from "../board";
import { failing, fewIsGood, noneIsGood } from "../look";
import { limits, lines, stacked, stat, states } from "../panels";
import { q } from "../query";
import { joined } from "../table";
import { fleetMetrics, product } from "../variables";
import { deploys, policies } from "./shared";

const own = `service_name=~"$service"`;

export const releases = () =>
  build({
    uid: "weir-fleet-releases", title: "Weir / Releases", set: "weir-fleet", range: "now-6h",
    text: "How far each release has spread, how long it took, and whether it fails more than the rest. The release catalogue says what exists and what is wanted.",
    variables: [fleetMetrics, product],
    annotations: [deploys, policies],
    rows: [
      row(
        "Should a rollout stop?",
        even(
          4,
          stat({ title: "Rollouts to pause", text: "Releases in a ring that goes before, in which more requests fail than in the rest, beyond chance and in most of its installs.", none: "0" }, noneIsGood,
            q(`sum(weir:canary:pause{${own}})`, "pause")),
          stat({ title: "Not as desired", text: "Share of live installs in which a service does not run what the catalogue wants for its ring.", unit: "percentunit", none: "no catalogue" },
            ["green", [0.1, "orange"], [0.5, "red"]], q(`weir:fleet:undesired_ratio`, "share")),
          stat({ title: "Versions at once", text: "Versions of one service that run at the same time: of the service that has most.", none: "0" }, ["green", [3, "orange"], [5, "red"]],
            q(`max(weir:fleet:version_skew{${own}})`, "versions")),
          stat({ title: "Fix missing", text: "Largest share of live installs that lack a release that fixes a fault of security.", unit: "percentunit", none: "none" }, ["green", [0.01, "orange"], [0.1, "red"]],
            q(`max(weir:release:security_missing_ratio{${own}})`, "share")),
          stat({ title: "Unsupported", text: "Live installs that run a release whose support has ended.", none: "0" }, fewIsGood, q(`sum(weir:fleet:unsupported_installs{${own}})`, "installs")),
          stat({ title: "Furthest behind", text: "Releases that the install furthest behind has to catch up with.", none: "0" }, ["green", [2, "orange"], [4, "red"]],
            q(`max(weir:install:releases_behind{${own}})`, "releases")),
        ),
      ),
      row(
        "Adoption",
        line(
          9,
          [12, limits(lines({ title: "Adoption", text: "Share of live installs that run a release or a newer one. The dashed lines are at half and at nine tenths.", unit: "percentunit", none: "no catalogue" },
            q(`max by (service_name, weir_release) (weir:release:adoption_ratio{${own}})`, "{{service_name}} {{weir_release}}")), ["transparent", [0.5, "blue"], [0.9, "green"]]).max(1)],
          [12, joined({ title: "How long it took", text: "Time from general availability until half and nine tenths of the live installs ran the release; what is not there yet still counts.", none: "no catalogue" },
            { labels: { service_release: "Release" }, sort: { by: "Adopted", desc: false } },
            ...(["50", "90"].flatMap((share) => [
              { title: `To ${share} of 100`, unit: "s", expr: release(`weir:release:adoption_lag_seconds{share="${share}", ${own}}`) },
              { title: `Still under ${share}`, unit: "s", expr: release(`weir:release:adoption_open_seconds{share="${share}", ${own}}`), levels: ["orange" as string] as [string] },
            ])),
            { title: "Adopted", unit: "percentunit", expr: release(`weir:release:adoption_ratio{${own}}`), levels: ["orange", [0.5, "blue"], [0.9, "green"]] },
            { title: "Installs", expr: release(`weir:release:installs{${own}}`) })],
        ),
        even(
          8,
          stacked(lines({ title: "Versions", text: "Live installs by what they run.", none: "no versions" },
            q(`max by (service_name, service_version) (weir:fleet:version_installs{${own}})`, "{{service_name}} {{service_version}}"))),
          lines({ title: "Skew", text: "Versions of each service that run at the same time.", none: "no versions" }, q(`max by (service_name) (weir:fleet:version_skew{${own}})`, "{{service_name}}")),
          lines({ title: "Not as desired by ring", text: "Share of each ring's live installs in which a service does not run what the catalogue wants.", unit: "percentunit", none: "no catalogue" },
            q(`max by (weir_fleet_ring) (weir:ring:undesired_ratio)`, "{{weir_fleet_ring}}")).max(1),
        ),
      ),
      row(
        "Does a release fail more?",
        even(
          8,
          lines({ title: "Failed by release and ring", text: "Share of requests over 15 minutes that failed, by service, version and ring.", unit: "percentunit", none: "no requests" },
            q(`max by (service_name, service_version, weir_fleet_ring) (weir:release_ring:error_ratio15m{${own}})`, "{{service_name}} {{service_version}} in {{weir_fleet_ring}}")),
          lines({ title: "Requests by release and ring", text: "Requests a second over 15 minutes, by service, version and ring: what the shares rest on.", unit: "reqps", none: "no requests" },
            q(`max by (service_name, service_version, weir_fleet_ring) (weir:release_ring:requests:rate15m{${own}})`, "{{service_name}} {{service_version}} in {{weir_fleet_ring}}")),
        ),
        line(
          7,
          [12, joined({ title: "Early warning", text: "Each release in a ring that goes before, compared with the rest: pause it when the difference matters, is beyond chance (z over 3), and holds in half of its installs.", none: "none: no ring goes before the rest" },
            { labels: { service_release: "Release" } },
            { title: "Pause", expr: canary(`weir:canary:pause{${own}}`), words: { "0": "no", "1": "pause" }, levels: noneIsGood },
            { title: "Requests", expr: canary(`weir:canary:requests15m{${own}}`) },
            { title: "More failed", unit: "percentunit", expr: canary(`weir:canary:error_excess{${own}}`), levels: failing },
            { title: "z", unit: "none", expr: canary(`weir:canary:error_z{${own}}`), levels: ["green", [3, "red"]] },
            { title: "Installs worse", unit: "percentunit", expr: canary(`weir:canary:worse_installs_ratio{${own}}`), levels: ["green", [0.5, "red"]] })],
          [12, states({ title: "Early warning over time", text: "Red while the early warning says pause.", none: "none: no ring goes before the rest" }, ["green", [1, "red"]], { "0": "go", "1": "pause" },
            q(`max by (service_name, service_version, weir_fleet_ring) (weir:canary:pause{${own}})`, "{{service_name}} {{service_version}} in {{weir_fleet_ring}}"))],
        ),
        even(6, joined({ title: "Releases", text: "What the catalogue knows: since when a release is available and until when it is supported.", none: "no catalogue" },
          { labels: { service_release: "Release" } },
          { title: "Available since", unit: "dateTimeAsIso", expr: `1000 * ${release(`weir:release:ga_seconds{${own}}`)}` },
          { title: "Supported until", unit: "dateTimeAsIso", expr: `1000 * max by (service_release) (label_join(weir_fleet_release_supported_until_seconds{${own}}, "service_release", " ", "service_name", "service_version"))` },
          { title: "Security fix missing", unit: "percentunit", expr: release(`weir:release:security_missing_ratio{${own}}`), levels: ["green", [0.01, "orange"], [0.1, "red"]] })),
      ),
    ],
  });

// A table joins on one label: service and release in one.
function release(expr: string): string {
  return `max by (service_release) (label_join(${expr}, "service_release", " ", "service_name", "weir_release"))`;
}

function canary(expr: string): string {
  return `max by (service_release) (label_join(${expr}, "service_release", " ", "service_name", "service_version", "weir_fleet_ring"))`;
}

