// The Loki HTTP API (https://grafana.com/docs/loki/latest/reference/loki-http-api/).
import { getJSON } from "./fetch";
import { fromMatrix, type Labels, type MatrixItem, type Series } from "./series";

export interface Line {
  labels: Labels; // of the stream, with structured metadata and parsed fields
  ns: string; // nanoseconds since 1970: more digits than a number holds
  ms: number;
  text: string;
}

interface StreamItem {
  stream: Labels;
  values: [string, string][];
}

interface Answer {
  data: { resultType: "streams" | "matrix" | "vector"; result: unknown[] };
}

export type Direction = "backward" | "forward";

const nanos = (ms: number) => Math.floor(ms) + "000000";

/** Thrown where lines were asked for: the query is to be drawn. */
export class GivesNumbers extends Error {}

/** Lines in the direction's order; of one time, in the order of the answer. */
export async function queryLines(query: string, from: number | string, to: number | string, limit: number, direction: Direction, signal?: AbortSignal): Promise<Line[]> {
  const start = typeof from === "string" ? from : nanos(from);
  const end = typeof to === "string" ? to : nanos(to);
  const params = { query, start, end, limit: String(limit), direction };
  const { data } = await getJSON<Answer>("/loki/api/v1/query_range", params, signal);
  if (data.resultType !== "streams") throw new GivesNumbers("this query gives numbers, not lines");
  return mergeStreams(data.result as StreamItem[], direction);
}

export function mergeStreams(streams: StreamItem[], direction: Direction): Line[] {
  const lines = streams.flatMap(({ stream, values }) =>
    values.map(([ns, text]): Line => ({ labels: stream, ns, text, ms: Number(ns.slice(0, -6)) })),
  );
  const sign = direction === "backward" ? -1 : 1;
  // Nanosecond texts have one length for the next 260 years.
  return lines.sort((a, b) => sign * (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0));
}

export async function lokiRange(query: string, from: number, to: number, step: number, signal?: AbortSignal): Promise<Series[]> {
  const params = { query, start: nanos(from), end: nanos(to), step: String(step / 1000) };
  const { data } = await getJSON<Answer>("/loki/api/v1/query_range", params, signal);
  if (data.resultType === "streams") throw new Error("this query gives lines, not numbers");
  return fromMatrix(data.result as MatrixItem[]);
}

export async function lokiInstant(query: string, at: number, signal?: AbortSignal): Promise<Series[]> {
  const { data } = await getJSON<Answer>("/loki/api/v1/query", { query, time: nanos(at) }, signal);
  return fromMatrix(data.result as MatrixItem[]);
}

export async function lokiLabels(from: number, to: number): Promise<string[]> {
  return (await getJSON<{ data?: string[] }>("/loki/api/v1/labels", { start: nanos(from), end: nanos(to) })).data ?? [];
}

export async function lokiLabelValues(label: string, from: number, to: number): Promise<string[]> {
  const path = `/loki/api/v1/label/${encodeURIComponent(label)}/values`;
  return (await getJSON<{ data?: string[] }>(path, { start: nanos(from), end: nanos(to) })).data ?? [];
}

export interface DetectedField {
  label: string;
  type: string;
  cardinality: number;
  parsers: string[] | null;
}

export async function detectedFields(query: string, from: number, to: number, signal?: AbortSignal): Promise<DetectedField[]> {
  const params = { query, start: nanos(from), end: nanos(to) };
  return (await getJSON<{ fields?: DetectedField[] | null }>("/loki/api/v1/detected_fields", params, signal)).fields ?? [];
}

export interface Pattern {
  text: string; // <_> stands for what differs
  level: string;
  lines: number;
}

/** What the lines of a selector have in common, the most frequent first. */
export async function patterns(selector: string, from: number, to: number, step: number, signal?: AbortSignal): Promise<Pattern[]> {
  const params = { query: selector, start: nanos(from), end: nanos(to), step: String(step / 1000) };
  const { data } = await getJSON<{ data: { pattern: string; level?: string; samples: [number, number][] }[] | null }>("/loki/api/v1/patterns", params, signal);
  return (data ?? []).map((p) => ({ text: p.pattern, level: p.level ?? "unknown", lines: p.samples.reduce((n, [, c]) => n + c, 0) })).sort((a, b) => b.lines - a.lines);
}

export interface Tail {
  close(): void;
}

/** Follows a query; lines come as they are written, until it is closed. */
export function tail(query: string, from: number, got: (lines: Line[], dropped: number) => void, ended: (why: string) => void): Tail {
  const url = new URL("/loki/api/v1/tail", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ query, start: nanos(from), limit: "200" }).toString();
  const socket = new WebSocket(url);
  let closed = false;
  socket.onmessage = (event) => {
    const body = JSON.parse(String(event.data)) as { streams?: StreamItem[]; dropped_entries?: unknown[] | null };
    got(mergeStreams(body.streams ?? [], "forward"), body.dropped_entries?.length ?? 0);
  };
  socket.onclose = (event) => {
    if (!closed) ended(event.reason || "the connection was closed");
  };
  return {
    close() {
      closed = true;
      socket.close();
    },
  };
}
