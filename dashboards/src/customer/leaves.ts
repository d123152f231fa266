// What leaves, by entry of the policy; what was refused; what waits.
import { build, even, line, row } from "../board";
import { fewIsGood, noneIsGood, plain, silence } from "../look";
import { bars, lines, named, stacked, stat, states, text } from "../panels";
import { grown, q } from "../query";
import { joined } from "../table";
import { edgeMetrics } from "../variables";
import { deploys, policy, revision } from "./shared";

const ofRange = (what: string) => `sum by (entry) (increase(weir_upstream_entry_${what}_total[$__range]))`;
const overTime = (what: string) => `sum by (entry) (rate(weir_upstream_entry_${what}_total[$__rate_interval]))`;
const share = `max by (entry) (weir_upstream_budget_used_bit) / on (entry) max by (entry) (weir_upstream_budget_limit_bit)`;

export const leaves = () =>
  build({
    uid: "weir-customer-leaves", title: "Weir / What leaves", set: "weir-customer",
    text: "What leaves your environment: how much, by which entry of the policy, what was refused, and what waits for somebody's word.",
    variables: [edgeMetrics],
    annotations: [deploys, policy, revision],
    rows: [
      row(
        "Now",
        line(
          4,
          [4, named({ title: "Policy", text: "State of the policy. Only in the state active does anything leave; every other state says why nothing does.", none: "unknown" }, plain,
            q(`weir_policy_state == 1`, "{{state}}"))],
          [3, stat({ title: "Revision", text: "The revision of the policy that is in force.", none: "none" }, plain, q(`max(weir_policy_revision)`, "in force"))],
          [3, stat({ title: "Changes", text: "How often another revision of the policy came into force in the time shown.", none: "0" }, fewIsGood,
            q(`sum(changes(weir_policy_revision[$__range]))`, "changes"))],
          [5, named({ title: "Revision that waits", text: "A revision of the policy that a person has to accept or refuse, and the one that stays in force until then.", none: "none" }, fewIsGood,
            q(`weir_policy_pending`, "{{revision}}, in force {{in_force}}"))],
          [5, stat({ title: "Last success", text: "Time since the fleet last acknowledged a report.", unit: "s", none: "not yet" }, silence,
            q(`time() - max(weir_upstream_last_success_time_seconds > 0)`, "ago"))],
          [4, stat({ title: "Ledger's head", text: "The number of the newest report in the ledger. The root hash over all of them is on the console's page What leaves.", none: "no ledger" }, plain,
            q(`max(weir_upstream_ledger_sequence)`, "report"))],
        ),
        line(
          4,
          [5, stat({ title: "Bytes sent", text: "Bytes of reports that went over the network in the time shown, repetitions included.", unit: "bytes", none: "0" }, plain,
            q(`sum(increase(weir_upstream_sent_bytes_total[$__range]))`, "sent"))],
          [5, stat({ title: "Items sent", text: "Data points with a value that went over the network in the time shown, repetitions included.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_entry_items_total[$__range]))`, "sent"))],
          [5, stat({ title: "Budget used", text: "Share of the entry's bits of today (UTC) that is used, of the entry that has used most.", unit: "percentunit", none: "no policy in force" },
            ["green", [0.8, "orange"], [1, "red"]], q(`max(${share})`, "used"))],
          [5, stat({ title: "Refused here", text: "Reports that the gate did not let out, or for which no policy was in force, in the time shown. They were not recorded and will not leave.", none: "0" }, fewIsGood,
            q(grown("weir_upstream_refused_total"), "refused"))],
          [4, stat({ title: "Refused there", text: "Reports that the vendor's fleet did not accept, in the time shown. They are in the ledger and are not sent again.", none: "0" }, noneIsGood,
            q(grown('weir_upstream_reports_total{outcome="refused"}'), "refused"))],
        ),
      ),
      row(
        "By entry of the policy",
        line(
          10,
          [14, joined(
            { title: "Entries", text: "What each entry of the policy sent in the time shown, and what it has said today (UTC) of what it may say at most, as the gate counts it. The envelope is what a report says by coming.", none: "no policy in force" },
            { labels: { entry: "Entry" }, sort: { by: "Bytes", desc: true } },
            { title: "Bytes", unit: "bytes", expr: ofRange("bytes") },
            { title: "Items", expr: `ceil(${ofRange("items")})` },
            { title: "Used today", unit: "bits", expr: `max by (entry) (weir_upstream_budget_used_bit)` },
            { title: "Limit a day", unit: "bits", expr: `max by (entry) (weir_upstream_budget_limit_bit)` },
            { title: "Share", unit: "percentunit", expr: share, levels: ["green", [0.8, "orange"], [1, "red"]] },
          )],
          [10, bars({ title: "Budget used by entry", text: "Share of each entry's bits a day that is used. At 100 of 100 nothing more of it leaves until midnight UTC.", unit: "percentunit", none: "no policy in force" },
            ["green", [0.8, "orange"], [1, "red"]], 1, q(`sort_desc(${share})`, "{{entry}}"))],
        ),
        even(
          9,
          stacked(lines({ title: "Bytes by entry", text: "Bytes a second that were handed to the network, by entry of the policy. Together they are all that left.", unit: "Bps", none: "none" }, q(overTime("bytes"), "{{entry}}"))),
          stacked(lines({ title: "Items by entry", text: "Data points with a value a second that were handed to the network, by entry of the policy.", unit: "cps", none: "none" }, q(overTime("items"), "{{entry}}"))),
        ),
      ),
      row(
        "Refused and left out, by reason",
        even(
          7,
          lines({ title: "Reports refused here", text: "Reports that were not let out, by reason.", none: "none" },
            q(`sum by (reason) (increase(weir_upstream_refused_total[$__rate_interval])) > 0`, "{{reason}}")),
          lines({ title: "Data points", text: "Data points a second that were looked at, and those of them that went into a report. The others stay here.", unit: "cps", none: "no policy in force" },
            q(`sum(rate(weir_allowlist_observed_points_total[$__rate_interval]))`, "looked at"), q(`sum(rate(weir_allowlist_kept_points_total[$__rate_interval]))`, "into reports")),
          lines({ title: "Data points left out", text: "Data points a second that the policy does not name or that would have said too much, by reason. They stay here.", unit: "cps", none: "none" },
            q(`sum by (reason) (rate(weir_allowlist_dropped_points_total[$__rate_interval])) > 0`, "{{reason}}")),
          lines({ title: "Attempts without an outcome", text: "Attempts to send that failed and are made again, by reason. Nothing is lost by them.", none: "none" },
            q(`sum by (reason) (increase(weir_upstream_retries_total[$__rate_interval])) > 0`, "{{reason}}")),
        ),
      ),
      row(
        "Policy and ledger",
        line(
          7,
          [6, states({ title: "Policy over time", text: "The state that the policy was in. Nothing leaves outside of active.", none: "unknown" }, ["transparent", [1, "blue"]], { "0": " ", "1": "in force" },
            q(`max by (state) (weir_policy_state) > 0`, "{{state}}"))],
          [6, lines({ title: "Revision over time", text: "The revision of the policy that was in force. A gap is a time in which nothing left.", none: "none" }, q(`max(weir_policy_revision)`, "in force"))],
          [6, lines({ title: "Reports", text: "Reports a minute: recorded in the ledger, and what became of them.", unit: "cpm", none: "none" },
            q(`60 * sum by (outcome) (rate(weir_upstream_reports_total[$__rate_interval]))`, "{{outcome}}"))],
          [6, lines({ title: "Reports that wait", text: "Reports in the ledger without an outcome, and those of them that may not be sent because their policy is not in force.", none: "none" },
            q(`sum(weir_upstream_pending_reports)`, "pending"), q(`sum(weir_upstream_held_reports)`, "held"))],
        ),
        line(
          7,
          [4, stat({ title: "Recorded", text: "Reports that were written to the ledger in the time shown, before anything was sent.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_reports_total{outcome="recorded"}[$__range]))`, "recorded"))],
          [4, stat({ title: "Receipts", text: "Countersigned checkpoints of the ledger that came back in the time shown. Neither side can change the past behind them.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_receipts_total{receipt="kept"}[$__range]))`, "kept"))],
          [8, lines({ title: "Ledger", text: "Records in the ledger, and the number of its newest report. Neither ever falls unless the ledger was replaced.", none: "no ledger" },
            q(`max(weir_upstream_ledger_records)`, "records"), q(`max(weir_upstream_ledger_sequence)`, "newest report"))],
          [8, text("To read what left", "Where the sent bytes themselves are.",
            "Every report is in the ledger, byte for byte, before it is sent.\n\n" +
            "- `weir ledger tail` lists the reports, `weir ledger verify` checks them\n" +
            "- `weir policy explain FILE` says what may leave, in words and in bits\n" +
            "- `weir policy status` says what is in force, and who accepted it\n\n" +
            "Weir's console shows the same under What leaves and Allowlist.")],
        ),
      ),
    ],
  });
