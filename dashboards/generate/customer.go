package main

// A service that has said nothing for this long is silent.
const silentAfter = "300"

// customerOverview answers the customer's operators: is it all right, and what
// leaves? It reads an edge.
func customerOverview() *dashboard {
	return shared(&dashboard{
		UID:         "weir-customer-overview",
		Title:       "Weir / Overview",
		Description: "Is it all right, and what leaves? All data of this dashboard is in your own environment.",
		Tags:        []string{"weir", "weir-customer"},
		Annotations: annotationList{List: []annotation{
			{
				Name: "Deploys", Datasource: metrics, Enable: true, IconColor: "blue", Step: "60s",
				Expr: `(weir_service_version unless on (service_name, service_version) weir_service_version offset 5m)` +
					` and on (service_name) weir_service_version offset 5m`,
				TitleFormat: "{{service_name}} {{service_version}}", TextFormat: "A version that was not running five minutes earlier", TagKeys: "service_name",
			},
			{
				Name: "Policy", Datasource: metrics, Enable: true, IconColor: "orange", Step: "60s",
				Expr:        `(weir_policy_state == 1) unless on (state) (weir_policy_state offset 5m == 1)`,
				TitleFormat: "policy {{state}}", TextFormat: "The policy came into this state", TagKeys: "state",
			},
		}},
		Templating: variableList{List: []variable{
			source("metrics", "Metrics", "prometheus", "Weir metrics", "weir-metrics"),
			source("logs", "Logs", "loki", "Weir logs", "weir-logs"),
			values("service", "Service", "The services to look at", "weir_service_silence_seconds", "service_name"),
		}},
		Panels: lay(
			section{"Is it all right?", []line{even(4,
				stat("Services heard", "Services that logged, traced or measured something in the last five minutes.", "short", "0",
					levels("red", 1.0, "green"),
					query{`count(weir_service_silence_seconds < ` + silentAfter + `)`, "heard"}),
				stat("Services silent", "Services that were heard before and have said nothing for five minutes.", "short", "0",
					levels("green", 1.0, "red"),
					query{`count(weir_service_silence_seconds >= ` + silentAfter + `)`, "silent"}),
				stat("Failed requests", "Share of requests that ended in an error or with a status of 5xx, over the time shown.", "percentunit", "no requests",
					levels("green", 0.01, "orange", 0.05, "red"),
					query{`sum(rate(weir_service_errors_total{service_name=~"$service"}[$__range]))` +
						` / sum(rate(weir_service_requests_total{service_name=~"$service"}[$__range]))`, "failed"}),
				stat("Requests", "Requests a second that the services answered, from their spans.", "reqps", "none",
					levels("blue"),
					query{`sum(rate(weir_service_requests_total{service_name=~"$service"}[$__rate_interval]))`, "requests"}),
				stat("Errors logged", "Log records of severity error and fatal in the time shown.", "short", "0",
					levels("green", 1.0, "orange", 1000.0, "red"),
					query{`sum(increase(weir_log_records_total{service_name=~"$service", severity=~"error|fatal"}[$__range]))`, "records"}),
				names(stat("What leaves", "State of the policy. Only in the state active does anything leave; every other state says why nothing does.", "short", "unknown",
					levels("blue"),
					query{`weir_policy_state == 1`, "{{state}}"})),
			)}},
			section{"Services", []line{
				even(8,
					lines("Requests", "Requests a second by service and class of status; none is for spans without an HTTP status.", "reqps", "no requests",
						query{`sum by (service_name, http_response_status_class) (rate(weir_service_requests_total{service_name=~"$service"}[$__rate_interval]))`,
							"{{service_name}} {{http_response_status_class}}"}),
					lines("Failed requests", "Share of each service's requests that ended in an error or with 5xx.", "percentunit", "no requests",
						query{`sum by (service_name) (rate(weir_service_errors_total{service_name=~"$service"}[$__rate_interval]))` +
							` / sum by (service_name) (rate(weir_service_requests_total{service_name=~"$service"}[$__rate_interval]))`, "{{service_name}}"}),
					lines("Duration, 95 of 100", "95 of 100 requests were answered within this time, by service.", "s", "no requests",
						query{`histogram_quantile(0.95, sum by (service_name, le) (rate(weir_service_request_duration_seconds_bucket{service_name=~"$service"}[$__rate_interval])))`,
							"{{service_name}}"}),
				),
				{height: 7, panels: []placed{
					{10, table("Versions", "Versions of each service that were seen in the last hour, and how long ago the service was last heard.", "no services", "service_name",
						map[string]string{"service_name": "Service", "service_version": "Version"},
						column{"Running", "short", `max by (service_name, service_version) (weir_service_version{service_name=~"$service"})`, nil},
						column{"Last heard", "s", `min by (service_name) (weir_service_silence_seconds{service_name=~"$service"})`, levels("green", 60.0, "orange", 300.0, "red")},
					)},
					{14, states("Heard", "Green while a service says anything at all; red once it has been silent for five minutes.", "short", "no services",
						levels("red", 1.0, "green"), map[string]string{"0": "silent", "1": "heard"},
						query{`min by (service_name) (weir_service_silence_seconds{service_name=~"$service"}) < bool ` + silentAfter, "{{service_name}}"})},
				}},
			}},
			section{"Logs", []line{
				even(7,
					coloured(stacked(lines("Log records", "Log records a second by severity.", "short", "no logs",
						query{`sum by (severity) (rate(weir_log_records_total{service_name=~"$service"}[$__rate_interval]))`, "{{severity}}"})),
						"fatal", "dark-red", "error", "red", "warn", "orange", "info", "green", "debug", "blue", "trace", "purple", "unspecified", "text"),
					lines("Errors logged", "Log records of severity error and fatal a second, by service.", "short", "no errors",
						query{`sum by (service_name) (rate(weir_log_records_total{service_name=~"$service", severity=~"error|fatal"}[$__rate_interval]))`, "{{service_name}}"}),
				),
				even(9, logLines("Lines with errors", "The newest lines in which the word error stands, in full. They are stored here and nowhere else.",
					`{service_name=~"$service"} |~ "(?i)error|fatal|panic"`)),
			}},
			section{"Host", []line{even(7,
				atMost(lines("Processor", "Share of all processors that is busy: everything but idle.", "percentunit", "no host metrics",
					query{`1 - avg(system_cpu_utilization_ratio{state="idle"})`, "busy"}), 1),
				atMost(lines("Memory", "Share of memory by use.", "percentunit", "no host metrics",
					query{`sum by (state) (system_memory_utilization_ratio{state=~"used|cached|buffered"})`, "{{state}}"}), 1),
				bars("Disks", "How full each file system is.", "percentunit", "no host metrics", 1, levels("green", 0.8, "orange", 0.9, "red"),
					query{`max by (mountpoint) (system_filesystem_utilization_ratio)`, "{{mountpoint}}"}),
			)}},
			section{"What leaves", []line{
				even(4,
					stat("Reports sent", "Reports that the vendor's fleet acknowledged in the time shown.", "short", "0", levels("blue"),
						query{`sum(increase(weir_upstream_reports_total{outcome="acknowledged"}[$__range]))`, "sent"}),
					stat("Reports pending", "Reports that are in the ledger and not yet acknowledged. They are sent again, byte for byte, until they are.", "short", "0",
						levels("green", 5.0, "orange", 100.0, "red"),
						query{`sum(weir_upstream_pending_reports)`, "pending"}),
					stat("Bytes sent", "Bytes of reports that went over the network in the time shown, repetitions included.", "bytes", "0", levels("blue"),
						query{`sum(increase(weir_upstream_sent_bytes_total[$__range]))`, "sent"}),
					stat("Refused here", "Reports that the gate did not let out, or for which no policy was in force. They were not recorded and will not leave.", "short", "0",
						levels("green", 1.0, "orange"),
						query{`sum(increase(weir_upstream_refused_total[$__range]))`, "refused"}),
					stat("Refused there", "Reports that the vendor's fleet did not accept. They are in the ledger and are not sent again.", "short", "0",
						levels("green", 1.0, "red"),
						query{`sum(increase(weir_upstream_reports_total{outcome="refused"}[$__range]))`, "refused"}),
					stat("Last sent", "Time since the fleet last acknowledged a report.", "s", "not yet", levels("green", 180.0, "orange", 900.0, "red"),
						query{`time() - max(weir_upstream_last_success_time_seconds > 0)`, "ago"}),
				),
				{height: 7, panels: []placed{
					{9, lines("Reports", "Reports a minute by what became of them.", "short", "nothing leaves",
						query{`60 * sum by (outcome) (rate(weir_upstream_reports_total[$__rate_interval]))`, "{{outcome}}"})},
					{9, states("Policy", "The state that the policy was in. Nothing leaves outside of active.", "short", "unknown",
						levels("transparent", 1.0, "blue"), map[string]string{"0": " ", "1": "in force"},
						query{`max by (state) (weir_policy_state)`, "{{state}}"})},
					{6, text("To read what left", "Where the sent bytes themselves are.",
						"Every report is in the ledger before it is sent, with its exact bytes.\n\n"+
							"- `weir ledger tail` lists the reports\n"+
							"- `weir ledger verify` checks that none was changed or taken out\n"+
							"- `weir policy explain FILE` says what the policy lets out, and how many bits a day")},
				}},
			}},
		),
	})
}
