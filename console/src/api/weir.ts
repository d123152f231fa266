// Weir's own API, at /weir/v1/: what the console needs beside Prometheus and
// Loki. Its Go side is console/api*.go.
import { getJSON, postJSON } from "./fetch";

export interface About {
  role: "edge" | "fleet";
  version: string;
  commit: string;
  started: string; // RFC 3339
  install: string;
  data: string;
  user: string; // "" where nobody has to say who they are
  may: "viewer" | "reviewer" | "approver";
  config: string; // YAML, secrets hidden
  interval_seconds: number; // how often the metrics get new points
  pages: string[]; // of the pages that need more than the two stores: "ledger", "policy"
}

export interface DashboardEntry {
  uid: string;
  title: string;
  description: string;
}

export interface LedgerRecord {
  index: number;
  kind: string;
  time: string;
  sequence: number;
  policy: string;
  destination: string;
  bytes: number;
  outcome: string; // of a report: acknowledged, refused, dropped, or pending
  receipt: boolean;
}

export interface LedgerPage {
  install: string;
  size: number;
  records: LedgerRecord[]; // newest first
}

export interface Proof {
  size: number;
  hashes: string[]; // base64
  checkpoint: string; // a signed note
  verifier: string; // name+hash+key
}

export interface PlainValue {
  attributes: Record<string, string>;
  value: string;
}

export interface PlainEntry {
  name: string;
  unit: string;
  why: string;
  owner: string;
  values: PlainValue[];
}

export interface LedgerDetail extends LedgerRecord {
  header: string; // base64: the leaf
  body: string; // base64
  text: string; // a body that is text: an acceptance, an outcome, a policy
  identity: Record<string, string>;
  plain: PlainEntry[];
  proof: Proof;
}

export interface Attribute {
  key: string;
  values: string;
  otherwise?: string;
}

/** redaction/policy.SignalDescription */
export interface PolicyEntry {
  name: string;
  set?: string;
  kind: string;
  unit: string;
  what: string;
  why: string;
  owner: string;
  category: string;
  expires: string;
  attributes: Attribute[];
  series: string;
  budget: { bits_per_interval: number; bits_per_day: number };
  example: string;
}

/** redaction/policy.Description */
export interface Revision {
  product: string;
  vendor: string;
  revision: number;
  digest: string;
  destination: string;
  interval: string;
  expires: string;
  identity: Attribute[];
  signals: PolicyEntry[];
  budget: { bits_per_interval: number; bits_per_day: number };
}

/** redaction/policy.DiffEntry */
export interface Change {
  signal?: string;
  part: string;
  change: string; // widened | narrowed | neutral | unchanged
  what: string;
}

export interface Said {
  by: string;
  reason: string;
  at: string; // RFC 3339
}

export interface PolicyStatus {
  state: string;
  right?: string;
  explanation: string;
  in_force: Revision | null;
  accepted: Said | null;
  pending: { revision: Revision; changes: Change[]; refused: Said | null } | null;
}

/** vitals/fault.Sign */
export interface Sign {
  domain: string;
  owner: string;
  name?: string;
  reason: string;
  words: string;
}

/** vitals/fault.Report: the last verdict, with what it rests on. */
export interface Fault {
  at: string; // of the last look
  domain: string; // none, product, dependency, network, host, collector
  owner: string;
  since: string;
  contact: { who: string; reach: string; hours: string } | null;
  signs: Sign[] | null;
  warnings: Sign[] | null;
  probes: { name: string; kind: string; target?: string; outcome: string; reason: string; at: string; seconds: number }[] | null;
  failing_services: { name: string }[] | null;
  changes: { domain: string; owner: string; since: string; signs: Sign[] | null }[] | null; // the newest last
}

export interface Responsibilities {
  file: string; // "" if none is named
  problem: string;
  areas: { area: string; about: string; who: string; reach: string; hours: string }[];
}

export const fault = () => getJSON<Fault | null>("/weir/v1/fault");
export const responsibilities = () => getJSON<Responsibilities>("/weir/v1/responsibilities");

export interface ConfigurationHistory {
  since: string | null; // RFC 3339; of the configuration in force
  changes: { at: string; before: string; after: string; diff: string }[]; // newest first
}

export const configuration = () => getJSON<ConfigurationHistory>("/weir/v1/configuration");
/** What the ledger recorded for sending since a time. */
export interface Sent {
  since: string; // RFC 3339
  reports: number;
  bytes: number;
  entries: Record<string, { reports: number; values: number; bytes: number }>; // by the metric's name
}

export const sent = () => getJSON<Sent>("/weir/v1/sent");
export const about = () => getJSON<About>("/weir/v1/about");
export const dashboards = () => getJSON<DashboardEntry[]>("/weir/v1/dashboards");
export const ledger = (before: number | null, limit: number, kind: string) =>
  getJSON<LedgerPage>("/weir/v1/ledger", { ...(before === null ? {} : { before: String(before) }), limit: String(limit), ...(kind ? { kind } : {}) });
export const ledgerRecord = (index: number) => getJSON<LedgerDetail>(`/weir/v1/ledger/${index}`);
export const policy = () => getJSON<PolicyStatus>("/weir/v1/policy");
export const verdict = (verb: "accept" | "refuse", digest: string, by: string, reason: string) => postJSON<unknown>("/weir/v1/policy/" + verb, { digest, by, reason });
