// What leaves, by entry of the policy; what was refused; what waits.
import { build, even, line, row } from "../board";
import { fewIsGood, noneIsGood, plain, silence } from "../look";
import { bars, lines, named, stat, states, text } from "../panels";
import { grown, q } from "../query";
import { joined } from "../table";
import { edgeMetrics } from "../variables";
import { deploys, policy, revision } from "./shared";

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
          [4, named({ title: "Revision that waits", text: "A revision of the policy that a person has to accept or refuse, and the one that stays in force until then.", none: "none" }, fewIsGood,
            q(`weir_policy_pending`, "{{revision}}, in force {{in_force}}"))],
          [4, stat({ title: "Last success", text: "Time since the fleet last acknowledged a report.", unit: "s", none: "not yet" }, silence,
            q(`time() - max(weir_upstream_last_success_time_seconds > 0)`, "ago"))],
          [3, stat({ title: "Bytes sent", text: "Bytes of reports that went over the network in the time shown, repetitions included.", unit: "bytes", none: "0" }, plain,
            q(`sum(increase(weir_upstream_sent_bytes_total[$__range]))`, "sent"))],
          [3, stat({ title: "Refused here", text: "Reports that the gate did not let out, or for which no policy was in force, in the time shown. They were not recorded and will not leave.", none: "0" }, fewIsGood,
            q(grown("weir_upstream_refused_total"), "refused"))],
          [3, stat({ title: "Refused there", text: "Reports that the vendor's fleet did not accept, in the time shown. They are in the ledger and are not sent again.", none: "0" }, noneIsGood,
            q(grown('weir_upstream_reports_total{outcome="refused"}'), "refused"))],
        ),
      ),
      row(
        "By entry of the policy",
        line(
          10,
          [14, joined(
            { title: "Entries", text: "What each entry of the policy has said today (UTC) and may say at most, as the gate counts it. The last two columns are the same in bytes and as a share.", none: "no policy in force" },
            { labels: { entry: "Entry" }, sort: { by: "Share", desc: true } },
            { title: "Used today", unit: "bits", expr: `max by (entry) (weir_upstream_budget_used_bit)` },
            { title: "Limit a day", unit: "bits", expr: `max by (entry) (weir_upstream_budget_limit_bit)` },
            { title: "Used in bytes", unit: "bytes", expr: `max by (entry) (weir_upstream_budget_used_bit) / 8` },
            { title: "Share", unit: "percentunit", expr: share, levels: ["green", [0.8, "orange"], [1, "red"]] },
          )],
          [10, bars({ title: "Budget used", text: "Share of each entry's bits a day that is used. At 100 of 100 nothing more of it leaves until midnight UTC.", unit: "percentunit", none: "no policy in force" },
            ["green", [0.8, "orange"], [1, "red"]], 1, q(share, "{{entry}}"))],
        ),
        even(
          7,
          lines({ title: "Bits by entry", text: "What each entry has said since midnight UTC.", unit: "bits", none: "no policy in force" },
            q(`max by (entry) (weir_upstream_budget_used_bit)`, "{{entry}}")),
          lines({ title: "Bytes over the network", text: "Bytes of reports a second that were handed to the network.", unit: "Bps", none: "none" },
            q(`sum(rate(weir_upstream_sent_bytes_total[$__rate_interval]))`, "sent")),
          lines({ title: "Data points", text: "Data points a second that were looked at, and those of them that went into a report. The others stay here.", unit: "cps", none: "no policy in force" },
            q(`sum(rate(weir_allowlist_observed_points_total[$__rate_interval]))`, "looked at"), q(`sum(rate(weir_allowlist_kept_points_total[$__rate_interval]))`, "into reports")),
        ),
      ),
      row(
        "Refused and left out, by reason",
        even(
          7,
          lines({ title: "Reports refused here", text: "Reports that were not let out, by reason.", none: "none" },
            q(`sum by (reason) (increase(weir_upstream_refused_total[$__rate_interval])) > 0`, "{{reason}}")),
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
          6,
          [4, stat({ title: "Recorded", text: "Reports that were written to the ledger in the time shown, before anything was sent.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_reports_total{outcome="recorded"}[$__range]))`, "recorded"))],
          [4, stat({ title: "Receipts", text: "Countersigned checkpoints of the ledger that came back in the time shown. Neither side can change the past behind them.", none: "0" }, plain,
            q(`sum(increase(weir_upstream_receipts_total{receipt="kept"}[$__range]))`, "kept"))],
          [16, text("To read what left", "Where the sent bytes themselves are.",
            "Every report is in the ledger before it is sent, with its exact bytes.\n\n" +
            "- `weir ledger tail` lists the reports, the newest being the ledger's head\n" +
            "- `weir ledger verify` checks that none was changed or taken out\n" +
            "- `weir policy explain FILE` says what the policy lets out, and how many bits a day\n" +
            "- `weir policy status` says which revision is in force, and who accepted it\n\n" +
            "Weir's own console shows the same on its pages What leaves and Allowlist.")],
        ),
      ),
    ],
  });
