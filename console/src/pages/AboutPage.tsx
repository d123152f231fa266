import { useEffect } from "preact/hooks";
import { configuration, policy, responsibilities, type About } from "../api/weir";
import { dateTime, zone } from "../format/time";
import { href } from "../route";
import { useLoad } from "../ui/useLoad";

export function AboutPage({ me }: { me: About }) {
  useEffect(() => {
    document.title = "About · Weir";
  }, []);
  return (
    <>
      <div class="toolbar"><h1>About</h1></div>
      <dl class="facts wide">
        <div><dt>Weir</dt><dd>{me.version}, {me.commit}</dd></div>
        <div><dt>Role</dt><dd>{me.role}</dd></div>
        {me.install && <div><dt>Install</dt><dd><code>{me.install}</code></dd></div>}
        <div><dt>Running since</dt><dd>{dateTime(Date.parse(me.started))}</dd></div>
        <div><dt>Data folder</dt><dd><code>{me.data}</code></dd></div>
        <div><dt>Times are in</dt><dd>{zone()}</dd></div>
        <div><dt>You are</dt><dd>{me.user ? `${me.user}, ${me.may}` : `${me.may}: nobody has to say who they are on this listener`}</dd></div>
      </dl>
      {me.role === "edge" && <Contacts me={me} />}
      <h2>Data sources for Grafana</h2>
      <dl class="facts wide">
        <div><dt>Prometheus</dt><dd><code>{location.origin}</code></dd></div>
        <div><dt>Loki</dt><dd><code>{location.origin}</code></dd></div>
      </dl>
      {me.role === "edge" && <Changes />}
      <h2>Configuration</h2>
      <p class="note">As it is in force; values that look like secrets are hidden.</p>
      <pre class="dump" tabIndex={0} aria-label="Configuration">{me.config}</pre>
    </>
  );
}

/** Who answers for what: at the customer's by the file of responsibilities, at the vendor's by the policy's owners. */
function Contacts({ me }: { me: About }) {
  const people = useLoad(responsibilities, []);
  const status = useLoad(() => (me.pages.includes("policy") ? policy() : Promise.resolve(undefined)), []);
  const p = people.value;
  const revision = status.value?.in_force ?? status.value?.pending?.revision;
  const owners = [...new Set(revision?.signals.map((s) => s.owner) ?? [])].sort();
  return (
    <>
      <h2>Who to call</h2>
      {people.error && <p class="failure" role="alert">{people.error}</p>}
      {p && !p.file && <p class="note">Nobody is named at this place: set WEIR_RESPONSIBILITIES to a file that <code>weir responsibilities init</code> writes.</p>}
      {p?.problem && <p class="failure" role="alert">{p.problem}</p>}
      {p && p.areas.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Responsibilities">
          <table>
            <thead><tr><th scope="col">For</th><th scope="col">Who</th><th scope="col">How to reach them</th><th scope="col">When</th></tr></thead>
            <tbody>
              {p.areas.map((a) => <tr><td><b>{a.area}</b> <span class="note">{a.about}</span></td><td>{a.who}</td><td>{a.reach}</td><td>{a.hours}</td></tr>)}
            </tbody>
          </table>
        </div>
      )}
      {revision && <p>At {revision.vendor}, the vendor, for {revision.product}: {owners.join(", ")}.</p>}
    </>
  );
}

function Changes() {
  const { value, error } = useLoad(configuration, []);
  if (error) return <p class="failure" role="alert">{error}</p>;
  if (!value) return <p class="loading">Loading</p>;
  return (
    <>
      <h2>What changed in the configuration, and when</h2>
      <p class="note">
        {value.since ? `In force since ${dateTime(Date.parse(value.since))}.` : "Not noticed yet."} Each change is a{" "}
        <a href={href("/leaves", { kind: "configuration" })}>record of the ledger</a>, as two hashes; the lines stay here.
      </p>
      <div class="entries">
        {value.changes.map((c) => (
          <details class="entry">
            <summary class="brief">
              <b>{dateTime(Date.parse(c.at))}</b>
              <span>{counted(c.diff)}</span>
              <code class="numeric" title="hash of the configuration since then">{c.after}</code>
            </summary>
            <pre class="dump" tabIndex={0} aria-label="Difference">
              {c.diff.split("\n").map((l) => <span class={l[0] === "+" ? "came" : l[0] === "-" ? "went" : l[0] === "@" ? "note" : ""}>{l + "\n"}</span>)}
            </pre>
          </details>
        ))}
      </div>
      {!value.changes.length && <p class="note">Nothing has changed since the first start.</p>}
    </>
  );
}

function counted(diff: string): string {
  const of = (mark: string) => diff.split("\n").filter((l) => l.startsWith(mark)).length;
  return `${of("+")} lines came, ${of("-")} went`;
}
