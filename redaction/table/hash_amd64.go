package table

import "golang.org/x/sys/cpu"

// hasAES says that the processor can do what hash_amd64.s asks of it.
var hasAES = cpu.X86.HasAVX512VAES && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2

// aesPairs is plainPairs for rows of short texts whose lengths are anyone's
// guess: it has no branch on a length.
//
//	text, up to 32 bytes  │ block 0 │ block 1 │  padded with zeros
//	                           │         │       xor a secret, three rounds of AES, each block
//	                           │         │       and round under a secret of its own
//	                           └── xor ──┘── xor length ──▶ the text's hash, 128 bits
//
//	attribute             key's hash ── round under value's hash ── round under a secret ──▶ 128 bits
//
// Texts of one length and one block never meet. Of others two meet if their blocks'
// differences cancel out after three rounds, of which no single trail has a chance above
// 2^-54. The attributes' two halves are each added up, without a carry.
// Of texts' hashes 64 bits come out: whoever finds by them compares the texts, too.
//
//go:noescape
func aesPairs(r *rounds, in *pair, n int, want *wanted, out *hashed) (sum hash128)

// aesTexts is plainTexts, likewise.
//
//go:noescape
func aesTexts(r *rounds, in *string, n int, out *uint64)

func (h *hasher) pairs(in []pair, want *wanted, out *hashed) hash128 {
	if !h.aes {
		return h.plainPairs(in, want, out)
	}
	if len(in) > row {
		in = in[:row]
	}
	if len(in) == 0 {
		out.at = nowhere
		return hash128{}
	}
	return aesPairs(&h.rounds, &in[0], len(in), want, out)
}

func (h *hasher) texts(in []string, out []uint64) {
	if !h.aes {
		h.plainTexts(in, out)
		return
	}
	if len(in) > 0 {
		_ = out[len(in)-1]
		aesTexts(&h.rounds, &in[0], len(in), &out[0])
	}
}
