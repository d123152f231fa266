// Sources: who sends what, and who has fallen silent.
import { useEffect } from "preact/hooks";
import { queryInstant } from "../api/prometheus";
import { ago } from "../format/time";
import { format } from "../format/units";
import { carried, href, type Route } from "../route";
import { useLoad } from "../ui/useLoad";

interface Source {
  name: string;
  silence: number;
  versions: string[];
  logs: number;
  requests: number;
  errors: number;
}

const silentAfter = 300; // s, as on the dashboards

async function load(): Promise<Source[]> {
  const now = Date.now();
  const ask = (q: string) => queryInstant(q, now);
  const [silence, versions, logs, requests, errors] = await Promise.all([
    ask("min by (service_name) (weir_service_silence_seconds)"),
    ask("count by (service_name, service_version) (weir_service_version)"),
    ask("sum by (service_name) (rate(weir_log_records_total[5m]))"),
    ask("sum by (service_name) (rate(weir_service_requests_total[5m]))"),
    ask("sum by (service_name) (rate(weir_service_errors_total[5m]))"),
  ]);
  const value = (of: typeof logs, name: string) => of.find((s) => s.labels.service_name === name)?.values[0] ?? 0;
  return silence
    .map((s) => {
      const name = s.labels.service_name ?? "";
      return {
        name, silence: s.values[0] ?? NaN,
        versions: versions.filter((v) => v.labels.service_name === name).map((v) => v.labels.service_version ?? "").filter(Boolean),
        logs: value(logs, name), requests: value(requests, name), errors: value(errors, name),
      };
    })
    .sort((a, b) => Number(b.silence >= silentAfter) - Number(a.silence >= silentAfter) || a.name.localeCompare(b.name));
}

export function SourcesPage({ route }: { route: Route }) {
  const { value: sources, error } = useLoad(load, [], 10_000);
  useEffect(() => {
    document.title = "Sources · Weir";
  }, []);
  const logs = (name: string) => {
    const params = carried(route.params);
    params.set("query", `{service_name=${JSON.stringify(name)}}`);
    return href("/logs", params);
  };
  return (
    <>
      <div class="toolbar"><h1>Sources</h1></div>
      {error && <p class="failure" role="alert">{error}</p>}
      {sources && !sources.length && (
        <p class="no-data">Nothing has come in yet. Send OTLP to the ports that the start said, push logs to /loki/api/v1/push, or name log files in WEIR_LOGS.</p>
      )}
      {sources && sources.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Sources">
          <table>
            <thead>
              <tr><th scope="col">Service</th><th scope="col">Heard</th><th scope="col">Versions</th><th scope="col" class="numeric">Log lines</th><th scope="col" class="numeric">Requests</th><th scope="col" class="numeric">Failed</th></tr>
            </thead>
            <tbody>
              {sources.map((s) => (
                <tr>
                  <td><a href={logs(s.name)}>{s.name}</a></td>
                  <td><span class={s.silence >= silentAfter ? "outcome outcome-refused" : "outcome outcome-acknowledged"}>{ago(s.silence)}</span></td>
                  <td>{s.versions.join(", ")}</td>
                  <td class="numeric">{format(s.logs, "cps")}</td>
                  <td class="numeric">{format(s.requests, "reqps")}</td>
                  <td class="numeric">{s.requests ? format(s.errors / s.requests, "percentunit") : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
