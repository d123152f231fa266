// Links in dashboards are Grafana's ("/d/uid?var-install=..."); here the page is
// in the fragment.
import { carried, href, parseRoute } from "../route";

/** A link of a table's cell; `${__data.fields.name}` is the row's field. */
export function dashboardLink(url: string, row: Record<string, string>): string {
  const filled = url
    .replace(/\$\{__data\.fields(?:\.([\w.]+)|\["([^"]+)"\])\}/g, (_, a: string, b: string) => encodeURIComponent(row[a ?? b] ?? ""))
    .replace(/[&?]\$\{?__(url_time_range|all_variables)\}?/g, "");
  const [path = "", query = ""] = filled.split("?", 2);
  if (!path.startsWith("/d/")) return filled;
  const params = carried(parseRoute(location.hash).params);
  for (const [k, v] of new URLSearchParams(query)) params.set(k, v);
  return href(path.replace(/^(\/d\/[^/]+)\/.*$/, "$1"), params);
}
