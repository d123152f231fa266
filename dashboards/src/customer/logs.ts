// Logs: how many, of what level, which errors, and the lines.
import { build, even, line, row } from "../board";
import { plain } from "../look";
import { coloured, logBars, logCounts, logLines, stacked, stat, text } from "../panels";
import { q } from "../query";
import { edgeLogs, edgeMetrics, service, words } from "../variables";
import { deploys, own, policy } from "./shared";

const chosen = `{service_name=~"$service"} |~ "(?i)$search"`;
const errors = `${chosen} | detected_level=~"error|critical|fatal"`;
// Lines that differ in numbers and long ids only are of one pattern.
const pattern = "label_format kind=`{{ trunc 100 (regexReplaceAll \"[0-9a-fA-F]{8,}[0-9a-fA-F-]*|[0-9]+\" __line__ \"#\") }}`";
const levels = { critical: "dark-red", fatal: "dark-red", error: "red", warn: "orange", info: "green", debug: "blue", trace: "purple", unknown: "text" };

export const logs = () =>
  build({
    uid: "weir-customer-logs", title: "Weir / Logs", set: "weir-customer",
    text: "Log lines, counted and searched. They are stored in your own environment and never leave it.",
    variables: [edgeMetrics, edgeLogs, service, words("search", "Search", "Only lines in which this regular expression is found, upper and lower case alike")],
    annotations: [deploys, policy],
    rows: [
      row(
        "How many",
        line(
          7,
          [4, stat({ title: "Records", text: "Log records of all severities in the time shown.", none: "0" }, plain, q(`sum(increase(weir_log_records_total{${own}}[$__range]))`, "records"))],
          [4, stat({ title: "Errors", text: "Log records of severity error and fatal in the time shown.", none: "0" }, ["green", [1, "orange"], [1000, "red"]],
            q(`sum(increase(weir_log_records_total{${own}, severity=~"error|fatal"}[$__range]))`, "errors"))],
          [16, coloured(stacked(logCounts({ title: "Lines by level", text: "Lines that were found, by the level that they state or that their words suggest.", none: "no lines" },
            q(`sum by (detected_level) (count_over_time(${chosen} [$__auto]))`, "{{detected_level}}"))), levels)],
        ),
      ),
      row(
        "Errors",
        line(
          8,
          [8, logCounts({ title: "Errors by service", text: "Lines of level error and worse that were found, by service.", none: "none" },
            q(`sum by (service_name) (count_over_time(${errors} [$__auto]))`, "{{service_name}}"))],
          [16, logBars({ title: "Errors by pattern", text: "The ten most frequent kinds of line of level error and worse in the time shown; numbers and ids are written as #.", none: "none" },
            q(`sort_desc(topk(10, sum by (service_name, kind) (count_over_time(${errors} | ${pattern} [$__range]))))`, "{{service_name}}: {{kind}}"))],
        ),
      ),
      row(
        "Lines",
        even(14, logLines({ title: "Lines found", text: "The newest lines of the chosen services in which the search is found, in full.", none: "no lines" }, chosen, 500)),
        even(3, text("To search further", "Where to ask in LogQL.",
          "The search is a regular expression: `timeout|refused`. Ask in LogQL under Explore in Grafana, or on the page Logs of Weir's own console.")),
      ),
    ],
  });
