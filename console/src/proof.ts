// Checks in the browser that a record is in the ledger: the record's header
// hashes to a leaf, the leaf and the proof to the root of the signed checkpoint
// (RFC 6962), and the checkpoint carries the ledger's signature (C2SP signed
// note, Ed25519). The server is not asked whether it is telling the truth.
import type { LedgerDetail } from "./api/weir";

export type Provable = Pick<LedgerDetail, "index" | "header" | "body" | "proof">;

export interface Verdict {
  ok: boolean;
  steps: { what: string; ok: boolean; detail: string }[];
}

export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

const base64 = (b: Uint8Array) => btoa(String.fromCharCode(...b));
export const hex = (b: Uint8Array) => [...b].map((x) => x.toString(16).padStart(2, "0")).join("");

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((x, i) => x === b[i]);

/** The root that a proof leads to; the form of golang.org/x/mod/sumdb/tlog's RecordProof. */
export async function rootFrom(index: number, size: number, leaf: Uint8Array, proof: Uint8Array[]): Promise<Uint8Array> {
  const walk = async (lo: number, hi: number, rest: Uint8Array[]): Promise<Uint8Array> => {
    if (lo + 1 === hi) {
      if (rest.length) throw new Error("the proof is too long");
      return leaf;
    }
    const sibling = rest[rest.length - 1];
    if (!sibling) throw new Error("the proof is too short");
    let k = 1;
    while (k * 2 < hi - lo) k *= 2;
    const shorter = rest.slice(0, -1);
    const one = new Uint8Array([1]);
    if (index < lo + k) return sha256(one, await walk(lo, lo + k, shorter), sibling);
    return sha256(one, sibling, await walk(lo + k, hi, shorter));
  };
  if (!(index >= 0 && index < size)) throw new Error("the record is not in a tree of this size");
  return walk(0, size, proof);
}

export async function verify(r: Provable): Promise<Verdict> {
  const steps: Verdict["steps"] = [];
  const step = (what: string, ok: boolean, detail: string) => steps.push({ what, ok, detail });
  try {
    const header = bytes(r.header);
    const body = bytes(r.body);
    const bodyHash = await sha256(body);
    // version 1, kind 1, index 8, time 8, sequence 8, policy 32, then the body's hash.
    step("The header names these bytes", same(header.slice(58, 90), bodyHash), hex(bodyHash));
    const leaf = await sha256(new Uint8Array([0]), header);
    const root = await rootFrom(r.index, r.proof.size, leaf, r.proof.hashes.map(bytes));
    const [text = "", signatures = ""] = split(r.proof.checkpoint);
    const [, size = "", named = ""] = text.split("\n");
    step("The record is in the signed tree", Number(size) === r.proof.size && base64(root) === named, `record ${r.index} of ${size}, root ${named}`);
    step("The ledger's key signed the tree", await signed(text, signatures, r.proof.verifier), r.proof.verifier);
  } catch (err) {
    step("The proof can be read", false, (err as Error).message);
  }
  return { ok: steps.every((s) => s.ok), steps };
}

function split(note: string): [string, string] {
  const at = note.lastIndexOf("\n\n");
  return at < 0 ? [note, ""] : [note.slice(0, at + 1), note.slice(at + 2)];
}

async function signed(text: string, signatures: string, verifier: string): Promise<boolean> {
  const [name, , key = ""] = verifierParts(verifier);
  const line = signatures.split("\n").find((l) => l.startsWith(`— ${name} `));
  const raw = bytes(key);
  if (!line || raw[0] !== 1 || raw.length !== 33) return false;
  const signature = bytes(line.slice(line.lastIndexOf(" ") + 1)).slice(4); // behind the key's short hash
  const imported = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, new TextEncoder().encode(text));
}

/** name+hash+key; the name and the key may not hold a plus in the first two parts. */
function verifierParts(v: string): [string, string, string] {
  const a = v.indexOf("+");
  const b = v.indexOf("+", a + 1);
  return [v.slice(0, a), v.slice(a + 1, b), v.slice(b + 1).trim()];
}
