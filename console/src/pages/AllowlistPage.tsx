// The allowlist: what may leave, why, and what a new revision would change.
import { useEffect, useState } from "preact/hooks";
import { ledger, ledgerRecord, policy, verdict, type About, type PlainEntry, type PolicyEntry, type PolicyStatus, type Revision } from "../api/weir";
import { dateTime } from "../format/time";
import { whole } from "../format/units";
import { useLoad } from "../ui/useLoad";

async function lastReport(me: About): Promise<PlainEntry[]> {
  if (!me.pages.includes("ledger")) return [];
  const page = await ledger(null, 1, "report");
  const newest = page.records[0];
  return newest ? (await ledgerRecord(newest.index)).plain : [];
}

export function AllowlistPage({ me }: { me: About }) {
  const { value: status, error, again } = useLoad(policy, [], 10_000);
  const sent = useLoad(() => lastReport(me), [], 30_000);
  useEffect(() => {
    document.title = "Allowlist · Weir";
  }, []);
  if (error) return <p class="failure" role="alert">{error}</p>;
  if (!status) return <p class="loading">Loading</p>;
  const r = status.in_force;
  return (
    <>
      <div class="toolbar"><h1>Allowlist</h1></div>
      <p class={"verdict " + (status.state === "active" ? "good" : "bad")} role="status">
        <b>{status.state === "active" ? "In force" : "Nothing leaves"}:</b> {status.explanation}.
        {status.accepted && ` Accepted by ${status.accepted.by} on ${dateTime(Date.parse(status.accepted.at))}: ${status.accepted.reason}.`}
      </p>
      {status.pending && <Pending status={status} me={me} done={again} />}
      {r && <Facts revision={r} />}
      {r && <Entries entries={r.signals} sent={sent.value ?? []} />}
    </>
  );
}

function Facts({ revision: r }: { revision: Revision }) {
  return (
    <dl class="facts wide">
      <div><dt>Product</dt><dd>{r.product} of {r.vendor}, revision {r.revision}</dd></div>
      <div><dt>Goes to</dt><dd>{r.destination}</dd></div>
      <div><dt>One report every</dt><dd>{r.interval}</dd></div>
      <div><dt>At most</dt><dd>{whole(r.budget.bits_per_day)} bits a day</dd></div>
      {r.expires && <div><dt>Expires</dt><dd>{r.expires}</dd></div>}
      <div><dt>Says who it is by</dt><dd>{r.identity.map((i) => `${i.key} (${i.values})`).join(", ") || "nothing"}</dd></div>
      <div><dt>Digest</dt><dd><code>{r.digest}</code></dd></div>
    </dl>
  );
}

function Entries({ entries, sent }: { entries: PolicyEntry[]; sent: PlainEntry[] }) {
  return (
    <div class="entries">
      {entries.map((e) => {
        const last = sent.find((s) => s.name === e.name);
        return (
          <details class="entry">
            <summary>
              <b>{e.name}</b>
              <span>{e.why}</span>
              <span class="numeric" title="bits that can leave in a day">{whole(e.budget.bits_per_day)} bits/day</span>
            </summary>
            <dl class="facts">
              <div><dt>Kind</dt><dd>{e.kind}, {e.category.replace("_", " ")}{e.unit && `, in ${e.unit}`}</dd></div>
              <div><dt>What leaves</dt><dd>{e.what}</dd></div>
              {e.attributes.map((a) => <div><dt>{a.key}</dt><dd>{a.values}{a.otherwise && `; ${a.otherwise}`}</dd></div>)}
              <div><dt>Series</dt><dd>{e.series}; {whole(e.budget.bits_per_interval)} bits a report</dd></div>
              <div><dt>For example</dt><dd><code>{e.example}</code></dd></div>
              {e.set && <div><dt>From the set</dt><dd>{e.set}</dd></div>}
              <div><dt>Asked for by</dt><dd>{e.owner}</dd></div>
              {e.expires && <div><dt>Expires</dt><dd>{e.expires}</dd></div>}
            </dl>
            <h3>In the newest report</h3>
            {last ? (
              <table>
                <tbody>
                  {last.values.slice(0, 50).map((v) => (
                    <tr><td>{Object.entries(v.attributes).map(([k, a]) => <span class="pair">{k} <b>{a}</b></span>)}</td><td class="numeric">{v.value}</td></tr>
                  ))}
                </tbody>
              </table>
            ) : (
              <p class="note">Nothing of it.</p>
            )}
          </details>
        );
      })}
    </div>
  );
}

function Pending({ status, me, done }: { status: PolicyStatus; me: About; done: () => void }) {
  const { revision, changes, refused } = status.pending!;
  const [by, setBy] = useState(me.user);
  const [reason, setReason] = useState("");
  const [error, setError] = useState("");
  const decide = (verb: "accept" | "refuse") => {
    if (!by.trim() || !reason.trim()) return setError("Write who you are and why: both are recorded.");
    setError("");
    // The edge looks once a second.
    verdict(verb, revision.digest, by.trim(), reason.trim()).then(() => (setReason(""), setTimeout(done, 1500)), (err: Error) => setError(err.message));
  };
  const order = ["widened", "neutral", "narrowed", "unchanged"];
  const what = status.in_force ? "only what both revisions allow leaves" : "nothing leaves";
  return (
    <section class={"pending" + (refused ? " refused" : "")} aria-label={refused ? "Revision that was refused" : "Revision that waits for a decision"}>
      <h2>Revision {revision.revision} {refused ? "was refused" : "waits for you"}</h2>
      {refused && <p>By {refused.by} on {dateTime(Date.parse(refused.at))}: {refused.reason}. It stays out of force: {what}.</p>}
      <p>
        {!refused && `Until it is accepted, ${what}. `}It could let out {whole(revision.budget.bits_per_day)} bits a day
        {status.in_force && `; today it is ${whole(status.in_force.budget.bits_per_day)}`}.
      </p>
      <table>
        <tbody>
          {[...changes].sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change)).map((c) => (
            <tr><td><span class={"change change-" + c.change}>{c.change}</span></td><td><b>{c.signal ?? "the policy"}</b></td><td>{c.what}</td></tr>
          ))}
        </tbody>
      </table>
      {!changes.length && <Entries entries={revision.signals} sent={[]} />}
      {me.may === "viewer" ? (
        <p class="note">Deciding on it takes a reviewer, who may refuse, or an approver; you are a viewer.</p>
      ) : (
        <form onSubmit={(e) => e.preventDefault()}>
          <label>Your name <input value={by} disabled={me.user !== ""} onInput={(e) => setBy(e.currentTarget.value)} /></label>
          <label class="grow">Reason <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
          {me.may === "approver" && <button type="button" class="primary" onClick={() => decide("accept")}>{refused ? "Accept after all" : "Accept"}</button>}
          {!refused && <button type="button" onClick={() => decide("refuse")}>Refuse</button>}
          {me.may !== "approver" && <span class="note">Accepting takes an approver; you are a reviewer.</span>}
          {error && <p class="failure" role="alert">{error}</p>}
        </form>
      )}
    </section>
  );
}
