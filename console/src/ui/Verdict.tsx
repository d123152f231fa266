// Is it all right, and if not, whose is it: the verdict in words, with its evidence and who to call.
import { fault, type Fault, type Sign } from "../api/weir";
import { ago, dateTime } from "../format/time";
import { useLoad } from "./useLoad";

const domains: Record<string, string> = {
  product: "It is the product's", dependency: "It is something the product depends on", network: "It is the network's",
  host: "It is this host's", collector: "It is Weir's own",
};

const marks: Record<string, string> = { passed: "acknowledged", warning: "pending", failed: "refused" };

const staleAfter = 300; // s without a look

export function Verdict() {
  const { value: f } = useLoad(fault, [], 10_000);
  if (f === undefined) return <section class="verdict fault" aria-label="Verdict" />; // its room, so that nothing moves
  if (!f?.domain) return null; // no probes, no verdict
  const looked = (Date.now() - Date.parse(f.at)) / 1000;
  const good = f.domain === "none";
  const signs = f.signs ?? [];
  const warnings = f.warnings ?? [];
  return (
    <section class={"verdict fault " + (looked > staleAfter ? "" : good ? "good" : "bad")} role="status" aria-label="Verdict">
      <p>
        <b>{good ? "It is all right." : (domains[f.domain] ?? f.domain) + "."}</b> {good ? "" : signs.slice(0, 3).map(say).join("; ")}
        {!good && signs.length > 3 && ` and ${signs.length - 3} more signs`} <span class="note">since {dateTime(Date.parse(f.since))}, looked {ago(looked)}{looked > staleAfter && ": this may be out of date"}</span>
      </p>
      {!good && <p>{owner(f)}</p>}
      {good && signs.length > 0 && <p class="note">Seen once, and watched: {signs.map(say).join("; ")}</p>}
      {warnings.length > 0 && <p class="note">Warning: {warnings.map(say).join("; ")}</p>}
      <details>
        <summary>Evidence</summary>
        <Evidence of={f} />
      </details>
    </section>
  );
}

const say = (s: Sign) => (s.name ? `${s.name}: ${s.words || s.reason}` : s.words || s.reason);

function owner(f: Fault) {
  if (!f.contact) return <>Owner: <b>{f.owner}</b>. Nobody is named for it: write them into the file that WEIR_RESPONSIBILITIES names.</>;
  return <>Owner: <b>{f.owner}</b>, {f.contact.who}: {f.contact.reach} ({f.contact.hours}).</>;
}

function Evidence({ of: f }: { of: Fault }) {
  const changes = [...(f.changes ?? [])].reverse().slice(0, 20);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="What the probes found">
        <table>
          <thead><tr><th scope="col">Probe</th><th scope="col">Looks at</th><th scope="col">Found</th><th scope="col">Why</th><th scope="col">When</th></tr></thead>
          <tbody>
            {(f.probes ?? []).map((p) => (
              <tr>
                <td>{p.name}</td><td>{p.kind} {p.target}</td>
                <td><span class={"outcome outcome-" + marks[p.outcome]}>{p.outcome}</span></td>
                <td>{p.outcome !== "passed" && p.reason.replaceAll("_", " ")}</td><td>{dateTime(Date.parse(p.at))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(f.failing_services ?? []).length > 0 && <p>Requests fail at {f.failing_services!.map((s) => s.name).join(", ")}.</p>}
      {changes.length > 0 && <h3>Verdicts before</h3>}
      <ul>{changes.map((c) => <li>{dateTime(Date.parse(c.since))}: {c.domain === "none" ? "all right" : `${c.domain}, ${c.owner}`}{c.signs?.length ? `: ${c.signs.slice(0, 3).map(say).join("; ")}` : ""}</li>)}</ul>
    </>
  );
}
