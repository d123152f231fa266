import { expect, test } from "vitest";
import { bytes, rootFrom, verify, type Provable } from "../src/proof";
import proofs from "./proofs.json";

const all = proofs as unknown as Provable[];
const clone = (p: Provable) => structuredClone(p);
const base64 = (b: Uint8Array) => btoa(String.fromCharCode(...b));
const flip = (text: string) => {
  const b = bytes(text);
  b[Math.floor(b.length / 2)]! ^= 1;
  return base64(b);
};

test("every record of a real ledger is proved", async () => {
  for (const p of all) expect((await verify(p)).steps.map((s) => s.ok), String(p.index)).toEqual([true, true, true]);
});

test.each<[string, (p: Provable) => void]>([
  ["a byte of the body", (p) => void (p.body = flip(p.body))],
  ["a byte of the header", (p) => void (p.header = flip(p.header))],
  ["another index", (p) => void p.index++],
  ["another size", (p) => void p.proof.size--],
  ["a hash", (p) => void (p.proof.hashes[0] = flip(p.proof.hashes[0]!))],
  ["a hash too few", (p) => void p.proof.hashes.pop()],
  ["a hash too many", (p) => void p.proof.hashes.push(p.proof.hashes[0]!)],
  ["the root", (p) => void (p.proof.checkpoint = p.proof.checkpoint.replace(/\n(\w)(\w+[^\n]*=)\n\n/, (_, a: string, b: string) => `\n${a === "A" ? "B" : "A"}${b}\n\n`))],
  ["the signature", (p) => void (p.proof.checkpoint = p.proof.checkpoint.replace(/(.{20})(.)(.{10})\n$/, (_, a: string, b: string, c: string) => a + (b === "A" ? "B" : "A") + c + "\n"))],
  ["no signature", (p) => void (p.proof.checkpoint = p.proof.checkpoint.split("\n\n")[0]! + "\n\n")],
  ["another key", (p) => void (p.proof.verifier = p.proof.verifier.replace(/\+[^+]*$/, "+" + base64(new Uint8Array(33).fill(1))))],
])("a change of %s is seen", async (_what, change) => {
  const p = clone(all[5]!);
  change(p);
  expect(p).not.toEqual(all[5]);
  expect((await verify(p)).ok).toBe(false);
});

test("one record is its own tree", async () => {
  const leaf = new Uint8Array(32).fill(7);
  expect(await rootFrom(0, 1, leaf, [])).toEqual(leaf);
});
