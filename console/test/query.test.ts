import { expect, test } from "vitest";
import { mergeStreams } from "../src/api/loki";
import { legend, number, seriesText } from "../src/api/series";
import { place } from "../src/query/complete";
import { selectorOf, withFilter } from "../src/query/logql";
import { tokens } from "../src/query/tokens";
import { carried, href, parseRoute } from "../src/route";
import { level, plain } from "../src/ui/LogLines";

test("every token together is the text", () => {
  for (const q of ['sum by (a) (rate({x="y}", z=~`b`} |= "c" | json | d > 5m [1m]))', 'x{y="unfinished', "# only\n1e3 + $__range", "täg ❄"])
    expect(tokens(q).map((t) => t.text).join("")).toBe(q);
});

test("kinds of token", () => {
  const kinds = Object.fromEntries(tokens('sum(rate({app="a"}[5m]))').map((t) => [t.text, t.kind]));
  expect(kinds).toMatchObject({ sum: "keyword", rate: "function", app: "label", '"a"': "string", "5m": "duration" });
});

test("the cursor's place", () => {
  const at = (q: string, l: "promql" | "logql" = "promql") => place(q, q.length, l);
  expect(at("up{jo")).toMatchObject({ kind: "label", word: "jo", selector: "up", from: 3 });
  expect(at('up{job="no')).toMatchObject({ kind: "value", label: "job", word: "no" });
  expect(at('{a="b"} | js', "logql")).toMatchObject({ kind: "stage", word: "js" });
  expect(at('{a="b"} |= "x" | ', "logql")).toMatchObject({ kind: "stage", word: "" });
  expect(at("sum(ra")).toMatchObject({ kind: "word", word: "ra", from: 4 });
  expect(at("sum by (")).toMatchObject({ kind: "label", word: "", from: 8 });
  expect(at("sum without (job, inst")).toMatchObject({ kind: "label", word: "inst", from: 18 });
  expect(at("sum by (job) (ra")).toMatchObject({ kind: "word", word: "ra" });
  expect(at("sum(rate({a=\"b\"}[5m])) by (a", "logql")).toMatchObject({ kind: "label", word: "a" });
  expect(place("sum by (jo) (rate(up[5m]))", 10, "promql")).toMatchObject({ kind: "label", word: "jo", selector: "up" });
});

test("the selector ends at its own brace", () => {
  expect(selectorOf('{a="}", b=~`{`} |= "x"')).toBe('{a="}", b=~`{`}');
  expect(selectorOf("rate({a=1}[5m])")).toBe("");
});

test("filters are added at the end, values quoted", () => {
  expect(withFilter('{a="b"}', "k", 'v"\\', true)).toBe('{a="b"} | k != "v\\"\\\\"');
});

test("lines are in the order of the answer, whatever their stream", () => {
  const streams = [
    { stream: { a: "1" }, values: [["1700000000000000003", "c"], ["1700000000000000001", "a"]] as [string, string][] },
    { stream: { a: "2" }, values: [["1700000000000000002", "b"]] as [string, string][] },
  ];
  expect(mergeStreams(streams, "forward").map((l) => l.text)).toEqual(["a", "b", "c"]);
  expect(mergeStreams(streams, "backward").map((l) => l.text)).toEqual(["c", "b", "a"]);
});

test("levels and terminal colours", () => {
  const line = (labels: Record<string, string>) => ({ labels, ns: "", ms: 0, text: "" });
  expect(level(line({ detected_level: "WARNING" }))).toBe("warn");
  expect(level(line({ level: "crit" }))).toBe("critical");
  expect(level(line({}))).toBe("unknown");
  expect(plain("\u001b[31mred\u001b[0m")).toBe("red");
});

test("legends and series in text", () => {
  expect(legend("{{a}} of {{ b }}", { a: "x", b: "y" })).toBe("x of y");
  expect(seriesText({ __name__: "up", job: 'a"' })).toBe('up{job="a\\""}');
  expect(number("+Inf")).toBe(Infinity);
});

test("addresses survive the way there and back", () => {
  const p = new URLSearchParams({ query: '{a="b&c"}', from: "now-1h", "var-x": "1", around: "5" });
  const back = parseRoute(href("/logs", p));
  expect(back.path).toBe("/logs");
  expect(back.params.get("query")).toBe('{a="b&c"}');
  expect([...carried(back.params).keys()]).toEqual(["from", "var-x"]);
});
