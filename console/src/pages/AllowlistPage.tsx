// The allowlist: what may leave, why, and what a new revision would change.
import { useEffect, useState } from "preact/hooks";
import { ledger, ledgerRecord, policy, sent, verdict, type About, type Change, type PlainEntry, type PolicyEntry, type PolicyStatus, type Revision, type Sent } from "../api/weir";
import { dateTime } from "../format/time";
import { format, whole } from "../format/units";
import { href } from "../route";
import { useLoad } from "../ui/useLoad";

async function lastReport(me: About): Promise<PlainEntry[]> {
  if (!me.pages.includes("ledger")) return [];
  const page = await ledger(null, 1, "report");
  const newest = page.records[0];
  return newest ? (await ledgerRecord(newest.index)).plain : [];
}

export function AllowlistPage({ me }: { me: About }) {
  const { value: status, error, again } = useLoad(policy, [], 10_000);
  const newest = useLoad(() => lastReport(me), [], 30_000);
  const day = useLoad(() => (me.pages.includes("ledger") ? sent() : Promise.resolve(undefined)), [], 30_000);
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
      {r && <Facts revision={r} day={day.value} />}
      {r && <Entries entries={r.signals} newest={newest.value ?? []} day={day.value} />}
    </>
  );
}

function Facts({ revision: r, day }: { revision: Revision; day: Sent | undefined }) {
  return (
    <dl class="facts wide">
      <div><dt>Product</dt><dd>{r.product} of {r.vendor}, revision {r.revision}</dd></div>
      <div><dt>Goes to</dt><dd>{r.destination}, one report every {r.interval}</dd></div>
      <div><dt>At most</dt><dd>{bits(r.budget.bits_per_day)} of information a day, in {r.signals.length} entries</dd></div>
      {day && <div><dt>In the last 24 hours</dt><dd>{whole(day.reports)} reports, {format(day.bytes, "bytes")}; <a href={href("/leaves")}>read each</a></dd></div>}
      <div><dt>Expires</dt><dd>{r.expires || "never"}</dd></div>
      <div><dt>Says who it is by</dt><dd>{r.identity.map((i) => `${i.key} (${i.values})`).join(", ") || "nothing"}</dd></div>
      <div><dt>Digest</dt><dd><code>{r.digest}</code></dd></div>
    </dl>
  );
}

/** Information in the largest unit that fits: a reviewer compares, and does not count digits. */
const bits = (n: number) => (n < 10_000 ? whole(n) + " bit" : n < 1e7 ? whole(n / 1e3) + " kbit" : whole(n / 1e6) + " Mbit");

function Entries({ entries, newest, day }: { entries: PolicyEntry[]; newest: PlainEntry[]; day: Sent | undefined }) {
  return (
    <div class="entries">
      <p class="entry-head" aria-hidden="true"><span>Entry, and who asked for it</span><span>Why, and an example</span><span>{day ? "Last 24 hours" : ""}</span><span>At most a day</span></p>
      {entries.map((e) => {
        const last = newest.find((s) => s.name === e.name);
        const left = day?.entries[e.name];
        return (
          <details class="entry">
            <summary>
              <span><b>{e.name}</b><br /><span class="note">{e.owner}</span></span>
              <span>{e.why}<br /><code class="note">{e.example}</code></span>
              <span class="numeric">{day && (left ? <>{whole(left.values)} <span class="note">values</span><br />{format(left.bytes, "bytes")}</> : <span class="note">nothing left</span>)}</span>
              <span class="numeric">{bits(e.budget.bits_per_day)}<br /><span class="note">a day</span></span>
            </summary>
            <dl class="facts">
              <div><dt>Kind</dt><dd>{e.kind}, {e.category.replace("_", " ")}{e.unit && `, in ${e.unit}`}</dd></div>
              <div><dt>What leaves</dt><dd>{e.what}</dd></div>
              {e.attributes.map((a) => <div><dt>{a.key}</dt><dd>{a.values}{a.otherwise && `; ${a.otherwise}`}</dd></div>)}
              <div><dt>Series</dt><dd>{e.series}; {whole(e.budget.bits_per_interval)} bits a report</dd></div>
              {e.set && <div><dt>From the set</dt><dd>{e.set}</dd></div>}
              <div><dt>Asked for by</dt><dd>{e.owner}</dd></div>
              <div><dt>Expires</dt><dd>{e.expires || "with the policy"}</dd></div>
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

const signs: Record<string, string> = { widened: "+ widened", narrowed: "− narrowed", neutral: "~ neutral" };

/** What a revision changes, the widest first; what it leaves alone in one line. */
function Difference({ changes, revision }: { changes: Change[]; revision: Revision }) {
  const order = ["widened", "neutral", "narrowed"];
  const changed = changes.filter((c) => order.includes(c.change)).sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
  const same = new Set(changes.filter((c) => c.change === "unchanged").map((c) => c.signal));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Difference">
      <table>
        <thead><tr><th scope="col">Change</th><th scope="col">Entry</th><th scope="col">Part</th><th scope="col">What</th><th scope="col">Why it is asked for</th></tr></thead>
        <tbody>
          {changed.map((c) => {
            const e = revision.signals.find((s) => s.name === c.signal);
            return (
              <tr>
                <td><span class={"change change-" + c.change}>{signs[c.change]}</span></td>
                <td><b>{c.signal ?? "the policy"}</b></td>
                <td>{c.part}</td>
                <td>{c.what}</td>
                <td>{e && <>{e.why} <span class="note">({e.owner})</span></>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {same.size > 0 && <p class="note">{same.size} {same.size === 1 ? "entry stays" : "entries stay"} as {same.size === 1 ? "it is" : "they are"}.</p>}
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
  const what = status.in_force ? "only what both revisions allow leaves" : "nothing leaves";
  return (
    <section class={"pending" + (refused ? " refused" : "")} aria-label={refused ? "Revision that was refused" : "Revision that waits for a decision"}>
      <h2>Revision {revision.revision} {refused ? "was refused" : "waits for you"}</h2>
      {refused && <p>By {refused.by} on {dateTime(Date.parse(refused.at))}: {refused.reason}. It stays out of force: {what}.</p>}
      <p>
        {!refused && `Until it is accepted, ${what}. `}It could let out {bits(revision.budget.bits_per_day)} a day
        {status.in_force && `; what is in force, ${bits(status.in_force.budget.bits_per_day)}`}.
      </p>
      {changes.length ? <Difference changes={changes} revision={revision} /> : <Entries entries={revision.signals} newest={[]} day={undefined} />}
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
