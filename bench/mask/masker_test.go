//go:build linux

package main

import (
	"math/rand/v2"
	"testing"

	"github.com/weir-telemetry/weir/redaction/mask"
)

func benchmark(b *testing.B, families ...mask.Family) {
	m, err := mask.New(mask.Options{Families: families})
	if err != nil {
		b.Fatal(err)
	}
	lines := corpus(rand.New(rand.NewPCG(1, 2)), 4000)
	total := 0
	for _, l := range lines {
		total += len(l)
	}
	var dst []byte
	b.SetBytes(int64(total))
	for b.Loop() {
		for _, l := range lines {
			dst = m.Append(dst[:0], l)
		}
	}
}

func BenchmarkFive(b *testing.B) { benchmark(b, five...) }
func BenchmarkAll(b *testing.B)  { benchmark(b) }
func BenchmarkOff(b *testing.B)  { benchmark(b, mask.PrivateKey) }
