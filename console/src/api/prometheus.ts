// The Prometheus HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
import { getJSON } from "./fetch";
import { fromMatrix, number, type Labels, type MatrixItem, type Series } from "./series";

interface Answer<T> {
  data: T;
  warnings?: string[];
}

interface Result {
  resultType: "matrix" | "vector" | "scalar" | "string";
  result: MatrixItem[] | [number, string];
}

function read(data: Result): Series[] {
  if (data.resultType === "scalar" || data.resultType === "string") {
    const [t, v] = data.result as [number, string];
    return [{ labels: {}, times: [t], values: [number(v)] }];
  }
  return fromMatrix(data.result as MatrixItem[]);
}

export async function queryRange(query: string, from: number, to: number, step: number, signal?: AbortSignal): Promise<Series[]> {
  const s = String(step / 1000);
  const params = { query, start: String(from / 1000), end: String(to / 1000), step: s };
  return read((await getJSON<Answer<Result>>("/api/v1/query_range", params, signal)).data);
}

export async function queryInstant(query: string, at: number, signal?: AbortSignal): Promise<Series[]> {
  return read((await getJSON<Answer<Result>>("/api/v1/query", { query, time: String(at / 1000) }, signal)).data);
}

export async function labelValues(label: string, match: string, from: number, to: number): Promise<string[]> {
  const params: Record<string, string> = { start: String(from / 1000), end: String(to / 1000) };
  if (match) params["match[]"] = match;
  return (await getJSON<Answer<string[]>>(`/api/v1/label/${encodeURIComponent(label)}/values`, params)).data;
}

export async function labelNames(match: string, from: number, to: number): Promise<string[]> {
  const params: Record<string, string> = { start: String(from / 1000), end: String(to / 1000) };
  if (match) params["match[]"] = match;
  return (await getJSON<Answer<string[]>>("/api/v1/labels", params)).data;
}

export async function series(match: string, from: number, to: number): Promise<Labels[]> {
  const params = { "match[]": match, start: String(from / 1000), end: String(to / 1000) };
  return (await getJSON<Answer<Labels[]>>("/api/v1/series", params)).data;
}
