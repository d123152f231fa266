// What leaves: the ledger as a table, and each report in words, in bytes, and proved.
import { useEffect, useState } from "preact/hooks";
import { ledger, ledgerRecord, type LedgerDetail } from "../api/weir";
import { dateTime } from "../format/time";
import { format } from "../format/units";
import { bytes, verify, type Verdict } from "../proof";
import { href, setParams, type Route } from "../route";
import { download } from "../ui/download";
import { useLoad } from "../ui/useLoad";

const kinds = ["", "report", "acceptance", "policy", "outcome", "refusal", "revocation", "drop", "prune", "grant", "bundle", "configuration"];
const pageSize = 100;

export function LeavesPage({ route }: { route: Route }) {
  const kind = route.params.get("kind") ?? "report";
  const named = route.params.get("record");
  const before = route.params.get("before");
  const page = useLoad(() => ledger(before === null ? null : Number(before), pageSize, kind === "all" ? "" : kind), [kind, before], before === null ? 5000 : 0);
  useEffect(() => {
    document.title = "What leaves · Weir";
  }, []);
  const p = page.value;
  // Beside the list there is room for a record: the newest, until one is chosen.
  const [newest, setNewest] = useState<string | null>(null);
  useEffect(() => setNewest(null), [kind, before]);
  useEffect(() => {
    const first = p?.records[0];
    if (newest === null && first && matchMedia("(min-width: 901px)").matches) setNewest(String(first.index));
  }, [p]);
  const shown = named ?? newest;
  const oldest = p?.records[p.records.length - 1]?.index;
  return (
    <>
      <div class="toolbar">
        <h1>What leaves</h1>
        <label class="variable">
          Records{" "}
          <select value={kind} onChange={(e) => setParams({ kind: e.currentTarget.value, before: null, record: null })}>
            {kinds.map((k) => <option value={k || "all"}>{k ? k + "s" : "all"}</option>)}
          </select>
        </label>
        {p && <span class="note">{p.size} records</span>}
      </div>
      <p class="lead">
        Everything that left this place, or waits to: a report is written here before it is sent, and these are its bytes.
        To prove it without trusting this page: <code>weir ledger verify</code>.
      </p>
      {page.error && <p class="failure" role="alert">{page.error}</p>}
      <div class="columns">
        <div class="scroll" tabIndex={0} role="region" aria-label="Ledger">
          <table>
            <thead>
              <tr><th scope="col" class="numeric">Record</th><th scope="col">Time</th><th scope="col">Kind</th><th scope="col" class="numeric">Report</th><th scope="col" class="numeric">Bytes</th><th scope="col">Outcome</th></tr>
            </thead>
            <tbody>
              {p?.records.map((r) => (
                <tr class={String(r.index) === shown ? "chosen" : ""}>
                  <td class="numeric"><a href={href("/leaves", { ...Object.fromEntries(route.params), record: String(r.index) })}>{r.index}</a></td>
                  <td>{dateTime(Date.parse(r.time))}</td>
                  <td>{r.kind}</td>
                  <td class="numeric">{r.sequence || ""}</td>
                  <td class="numeric">{format(r.bytes, "none")}</td>
                  <td><span class={"outcome outcome-" + r.outcome}>{r.outcome}{r.receipt && <span title="with the fleet's receipt"> ✓ receipt</span>}</span></td>
                </tr>
              ))}
            </tbody>
          </table>
          {p && !p.records.length && <p class="no-data">{before === null ? "Nothing has left." : "No older records."}</p>}
          <p class="pages">
            {before !== null && <button type="button" onClick={() => setParams({ before: null })}>Newest</button>}
            {p && p.records.length === pageSize && oldest !== undefined && <button type="button" onClick={() => setParams({ before: String(oldest) })}>Older</button>}
          </p>
        </div>
        {shown !== null ? <Detail index={Number(shown)} /> : <p class="no-data">Choose a record to read it.</p>}
      </div>
    </>
  );
}

function Detail({ index }: { index: number }) {
  const { value: r, error } = useLoad(() => ledgerRecord(index), [index]);
  const [verdict, setVerdict] = useState<Verdict>();
  const [view, setView] = useState<"words" | "bytes">("words");
  useEffect(() => setVerdict(undefined), [index]);
  if (error) return <p class="failure" role="alert">{error}</p>;
  if (!r || r.index !== index) return <p class="loading">Loading</p>;
  return (
    <article class="detail" aria-label={`Record ${index}`}>
      <h2>Record {r.index}: {r.kind}{r.sequence ? ` ${r.sequence}` : ""}</h2>
      <dl class="facts">
        <div><dt>Written</dt><dd>{dateTime(Date.parse(r.time))}</dd></div>
        {r.destination && <div><dt>Destination</dt><dd>{r.destination}</dd></div>}
        <div><dt>Policy</dt><dd><code>{r.policy}</code></dd></div>
        {r.outcome && <div><dt>Outcome</dt><dd>{r.outcome}{r.receipt ? ", with the fleet's receipt" : ""}</dd></div>}
        {Object.entries(r.identity ?? {}).map(([k, v]) => <div><dt>{k}</dt><dd>{v}</dd></div>)}
      </dl>
      <div class="choice" role="group" aria-label="View">
        <button type="button" aria-pressed={view === "words"} onClick={() => setView("words")}>In words</button>
        <button type="button" aria-pressed={view === "bytes"} onClick={() => setView("bytes")}>In bytes</button>
        <button type="button" disabled={!r.header} title={r.header ? "" : "no checkpoint covers this record yet; within a minute one does"} onClick={() => void verify(r).then(setVerdict)}>Verify</button>
        <button type="button" onClick={() => download(`record-${r.index}.bin`, "application/octet-stream", bytes(r.body))}>Download</button>
      </div>
      {verdict && (
        <div class={"verdict " + (verdict.ok ? "good" : "bad")} role="status">
          <b>{verdict.ok ? "Proved, in this browser." : "This does not hold."}</b>
          <ul>{verdict.steps.map((s) => <li>{s.ok ? "✓" : "✗"} {s.what}<br /><code>{s.detail}</code></li>)}</ul>
        </div>
      )}
      {view === "bytes" ? <Dump body={bytes(r.body)} /> : <Words record={r} />}
    </article>
  );
}

/** The object in a body that is JSON. */
function parsed(text: string): [string, unknown][] {
  try {
    const v: unknown = JSON.parse(text);
    return v && typeof v === "object" && !Array.isArray(v) ? Object.entries(v) : [];
  } catch {
    return []; // a policy's text, a grant
  }
}

function Words({ record: r }: { record: LedgerDetail }) {
  const said = r.plain?.length ? [] : parsed(r.text);
  if (said.length)
    return (
      <dl class="facts">
        {said.map(([k, v]) => {
          const text = typeof v === "string" ? v : JSON.stringify(v);
          return <div><dt>{k.replaceAll("_", " ")}</dt><dd>{text.includes("\n") ? <pre class="dump" tabIndex={0}>{text}</pre> : text}</dd></div>;
        })}
      </dl>
    );
  if (!r.plain?.length) return <pre class="dump" tabIndex={0}>{r.text || "This record has no words: look at its bytes."}</pre>;
  return (
    <div class="words">
      {r.plain.map((e) => (
        <section>
          <h3>{e.name} <span class="note">{e.unit}</span></h3>
          {e.why && <p class="note">{e.why}{e.owner && ` (${e.owner})`}</p>}
          <table>
            <tbody>
              {e.values.map((v) => (
                <tr>
                  <td>{Object.entries(v.attributes).map(([k, a]) => <span class="pair">{k} <b>{a}</b></span>)}</td>
                  <td class="numeric">{v.value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  );
}

const dumped = 64 * 1024;

function Dump({ body }: { body: Uint8Array }) {
  const lines: string[] = [];
  for (let i = 0; i < Math.min(body.length, dumped); i += 16) {
    const row = [...body.slice(i, i + 16)];
    const codes = row.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(48);
    const text = row.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join("");
    lines.push(`${i.toString(16).padStart(6, "0")}  ${codes} ${text}`);
  }
  if (body.length > dumped) lines.push(`and ${body.length - dumped} bytes more: download the record to see them`);
  return <pre class="dump" tabIndex={0} aria-label="Bytes">{lines.join("\n")}</pre>;
}
