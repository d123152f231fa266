import { expect, test } from "vitest";
import { parseDuration, parseRange, parseTime, rangeText } from "../src/format/time";
import { format, whole } from "../src/format/units";

test.each([
  [0, "short", "0"], [1234, "short", "1.23 K"], [-1234567, "short", "-1.23 Mil"], [0.5, "percentunit", "50 %"],
  [0.0009, "s", "900 µs"], [0.25, "s", "250 ms"], [61, "s", "61 s"], [7200, "s", "2 h"], [86400 * 3, "s", "3 days"],
  [1536, "bytes", "1.5 KiB"], [1500, "decbytes", "1.5 kB"], [12.34, "reqps", "12.3 req/s"], [Infinity, "short", "∞"], [3, "furlong", "3 furlong"],
])("%d in %s is %s", (v, unit, text) => expect(format(v, unit)).toBe(text));

test("what is missing has no text", () => {
  expect(format(null)).toBe("");
  expect(format(NaN)).toBe("");
});

test("counts in full have commas", () => expect(whole(159694796)).toBe("159,694,796"));

test("times are now, now less a span, or milliseconds, and nothing else", () => {
  expect(parseTime("now", 5)).toBe(5);
  expect(parseTime("now-2h", 7200_000)).toBe(0);
  expect(parseTime("1700000000000", 0)).toBe(1700000000000);
  for (const bad of ["", "yesterday", "now+1h", "now-1y", "1e3"]) expect(parseTime(bad, 0)).toBeNaN();
});

test("a range that ends before it begins is the last hour", () => {
  expect(parseRange("now", "now-1h", 3600_000)).toEqual({ from: 0, to: 3600_000 });
});

test("durations", () => {
  expect(parseDuration("15s")).toBe(15_000);
  expect(parseDuration("500ms")).toBe(500);
  expect(parseDuration("soon")).toBe(0);
});

test("ranges in words", () => {
  expect(rangeText("now-1h", "now")).toBe("Last hour");
  expect(rangeText("now-7d", "now")).toBe("Last 7 days");
});
