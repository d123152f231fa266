package main

import (
	"fmt"
	"math"
)

// overlay puts the fleet receiver in front of the gate and keeps receipts.
func overlay(g *gateway) string {
	return fmt.Sprintf(`yaml:{receivers: {fleet/bench: {endpoint: %q, state: %q}}, service: {pipelines: {metrics/reports: {receivers: [fleet/bench]}, logs/bench: {receivers: [fleet/bench], exporters: [local_store]}}}}`, g.addr, g.state)
}

func log10(v float64) float64 { return math.Log10(v) }
