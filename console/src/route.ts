// The address is the state: the page, the time and the variables are all in the
// fragment, so that a link shows what its sender saw and Back works.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  path: string; // "/logs"
  params: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { path: path || "/", params: new URLSearchParams(query) };
}

export function href(path: string, params?: URLSearchParams | Record<string, string>): string {
  const query = new URLSearchParams(params).toString();
  return "#" + path + (query && "?" + query);
}

/** The parameters that go along from page to page: time, refresh, variables. */
export function carried(params: URLSearchParams): URLSearchParams {
  const kept = new URLSearchParams();
  for (const [key, value] of params)
    if (key === "from" || key === "to" || key === "refresh" || key.startsWith("var-")) kept.append(key, value);
  return kept;
}

/** Changes some parameters of the present page; null takes one away, an array sets several values. */
export function setParams(changes: Record<string, string | string[] | null>, replace = false): void {
  const { path, params } = parseRoute(location.hash);
  for (const [key, value] of Object.entries(changes)) {
    params.delete(key);
    for (const v of Array.isArray(value) ? value : value === null ? [] : [value]) params.append(key, v);
  }
  const next = href(path, params);
  if (next === location.hash) return;
  if (replace) {
    history.replaceState(null, "", next);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = next;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
