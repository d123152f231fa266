package main

// fleetOverview answers the vendor's support: which installs are alive, which
// versions run, where does it fail? It reads a fleet, and knows nothing of a
// customer but an install's random id.
func fleetOverview() *dashboard {
	const (
		// An install is alive while its last report is younger than three
		// intervals; the viewer says how long an interval is.
		age   = `(time() - max by (weir_install_id) (last_over_time(weir_fleet_last_report_seconds{weir_install_id=~"$install"}[1d])))`
		alive = age + ` < 3 * $interval`
		lost  = age + ` >= 3 * $interval`

		requests = `weir_service_requests_total{weir_install_id=~"$install"}`
		errors   = `weir_service_errors_total{weir_install_id=~"$install"}`
		cpu      = `1 - sum by (weir_install_id) (system_cpu_utilization_ratio{weir_install_id=~"$install", state="idle"})`
		memory   = `sum by (weir_install_id) (system_memory_utilization_ratio{weir_install_id=~"$install", state="used"})`
		disk     = `max by (weir_install_id) (system_filesystem_utilization_ratio{weir_install_id=~"$install"})`
	)
	failed := func(by, window string) string {
		return `sum by (` + by + `) (rate(` + errors + `[` + window + `])) / sum by (` + by + `) (rate(` + requests + `[` + window + `]))`
	}
	return shared(&dashboard{
		UID:         "weir-fleet-overview",
		Title:       "Weir / Fleet",
		Description: "Which installs are alive, what they run, and where it fails. Everything here came in reports that the customers' policies allow.",
		Tags:        []string{"weir", "weir-fleet"},
		Annotations: annotationList{List: []annotation{{
			Name: "Deploys", Datasource: metrics, Enable: true, IconColor: "blue", Step: "60s",
			Expr: `(count by (service_name, service_version) (weir_service_version{weir_install_id=~"$install"})` +
				` unless on (service_name, service_version) weir_service_version offset 5m)` +
				` and on (service_name) weir_service_version offset 5m`,
			TitleFormat: "{{service_name}} {{service_version}}", TextFormat: "The first installs that run this version", TagKeys: "service_name",
		}}},
		Templating: variableList{List: []variable{
			source("metrics", "Fleet", "prometheus", "Weir fleet", "weir-fleet"),
			values("install", "Install", "The installs to look at, by their random ids", "weir_fleet_last_report_seconds", "weir_install_id"),
			{
				Name: "interval", Label: "Report interval (s)", Type: "custom", Query: "5,60,300",
				Description: "Seconds between two reports, as the policy says; an install is silent after three of them",
				Current:     &option{Selected: true, Text: "60", Value: "60"},
				Options:     []option{{Text: "5", Value: "5"}, {Selected: true, Text: "60", Value: "60"}, {Text: "300", Value: "300"}},
			},
		}},
		Panels: lay(
			section{"Is the fleet all right?", []line{even(4,
				stat("Installs alive", "Installs whose last report is younger than three intervals.", "short", "0", levels("red", 1.0, "green"),
					query{`count(` + alive + `)`, "alive"}),
				stat("Installs silent", "Installs that reported in the last day and whose last report is three intervals old or older.", "short", "0", levels("green", 1.0, "red"),
					query{`count(` + lost + `)`, "silent"}),
				stat("Last heartbeat", "Seconds since the newest report of any install came in.", "s", "never", levels("green", 180.0, "orange", 900.0, "red"),
					query{`min(` + age + `)`, "ago"}),
				stat("Failed requests", "Share of all requests in the fleet that ended in an error or with 5xx, over the time shown.", "percentunit", "no requests",
					levels("green", 0.01, "orange", 0.05, "red"),
					query{`sum(rate(` + errors + `[$__range])) / sum(rate(` + requests + `[$__range]))`, "failed"}),
				stat("Versions", "Releases of the product that run somewhere: pairs of service and version.", "short", "0", levels("blue"),
					query{`count(count by (service_name, service_version) (weir_service_version{weir_install_id=~"$install"}))`, "versions"}),
				stat("Reports refused", "Reports that no known policy would have produced, in the time shown. They are not stored.", "short", "0", levels("green", 1.0, "red"),
					query{refused, "refused"}),
			)}},
			section{"Installs", []line{
				even(9, table("Installs", "A line for each install: what it runs of Weir, when it was last heard, and how it fares.", "no installs", "weir_install_id",
					map[string]string{"weir_install_id": "Install", "service_version": "Weir"},
					column{"Heartbeats", "short", `max by (weir_install_id, service_version) (weir_heartbeat_total{weir_install_id=~"$install"})`, nil},
					column{"Last report", "s", age, levels("green", 180.0, "orange", 900.0, "red")},
					column{"Reports", "short", `max by (weir_install_id) (weir_fleet_report_sequence{weir_install_id=~"$install"})`, nil},
					column{"Requests", "reqps", `sum by (weir_install_id) (rate(` + requests + `[$__rate_interval]))`, nil},
					column{"Failed", "percentunit", failed("weir_install_id", "$__range"), levels("green", 0.01, "orange", 0.05, "red")},
					column{"Processor", "percentunit", cpu, levels("green", 0.8, "orange", 0.95, "red")},
					column{"Memory", "percentunit", memory, levels("green", 0.85, "orange", 0.95, "red")},
					column{"Disk", "percentunit", disk, levels("green", 0.8, "orange", 0.9, "red")},
				)),
				even(7, states("Alive", "Green while reports come, red once three intervals passed without one.", "short", "no installs",
					levels("red", 1.0, "green"), map[string]string{"0": "silent", "1": "alive"},
					query{age + ` < bool 3 * $interval`, "{{weir_install_id}}"})),
			}},
			section{"Releases", []line{even(8,
				stacked(lines("Versions", "Installs that run each version of each service.", "short", "no versions",
					query{`count by (service_name, service_version) (weir_service_version{weir_install_id=~"$install"} > 0)`, "{{service_name}} {{service_version}}"})),
				lines("Failed requests by service", "Share of each service's requests that failed, over all installs chosen.", "percentunit", "no requests",
					query{failed("service_name", "$__rate_interval"), "{{service_name}}"}),
				lines("Failed requests by install", "Share of each install's requests that failed.", "percentunit", "no requests",
					query{failed("weir_install_id", "$__rate_interval"), "{{weir_install_id}}"}),
			)}},
			section{"Refused", []line{even(7,
				lines("Reports refused", "What no known policy would have produced, or claims to be another install's, by reason and sender.", "short", "nothing was refused",
					query{`sum by (reason, weir_install_id) (increase(weir_gate_refused_reports_total[$__rate_interval])) > 0`, "{{reason}} {{weir_install_id}}"}),
				lines("Senders refused", "Requests without a good certificate, or to no good path, by reason and, where it is proved, sender.", "short", "nobody was refused",
					query{`sum by (reason, weir_install_id) (increase(weir_fleet_refused_requests_total{reason!="report"}[$__rate_interval])) > 0`, "{{reason}} {{weir_install_id}}"}),
			)}},
			section{"Utilization", []line{even(7,
				lines("Requests", "Requests a second by install.", "reqps", "no requests",
					query{`sum by (weir_install_id) (rate(` + requests + `[$__rate_interval]))`, "{{weir_install_id}}"}),
				atMost(lines("Processor", "Share of processors that is busy, by install.", "percentunit", "not reported", query{cpu, "{{weir_install_id}}"}), 1),
				atMost(lines("Memory", "Share of memory in use, by install.", "percentunit", "not reported", query{memory, "{{weir_install_id}}"}), 1),
				atMost(lines("Disk", "How full the fullest file system is, by install.", "percentunit", "not reported", query{disk, "{{weir_install_id}}"}), 1),
			)}},
		),
	})
}

// refused counts what the fleet's gate did not let in.
const refused = `sum(increase(weir_gate_refused_reports_total[$__range]))`
