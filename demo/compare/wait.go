package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// reports is the highest sequence number that the fleet has stored.
func reports(ctx context.Context, fleet api) (float64, error) {
	samples, err := fleet.metrics(ctx, `max(weir_fleet_report_sequence)`)
	if err != nil || len(samples) == 0 {
		return 0, err
	}
	return samples[0].value, nil
}

// waitFor returns when the fleet has want reports, and says each one that
// arrives. If they do not come in time, the error says where to look.
func waitFor(ctx context.Context, edge, fleet api, want int, timeout, pause time.Duration, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	have := -1
	for {
		n, err := reports(ctx, fleet)
		if err == nil && int(n) != have {
			have = int(n)
			fmt.Fprintf(out, "waiting for reports at the fleet: %d of %d\n", min(have, want), want)
		}
		if have >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil || ctx.Err() == context.Canceled {
				err = context.Cause(ctx)
			}
			return fmt.Errorf("%d of %d reports after %v: %w\n%s", max(have, 0), want, timeout, err, where(edge, fleet))
		case <-time.After(pause):
		}
	}
}

// where lists what can keep a report from arriving, with what is known.
func where(edge, fleet api) string {
	// The context of the wait is over; this is one more look, and a short one.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var hints []string
	state, err := edge.metrics(ctx, `weir_policy_state == 1`)
	switch names := labelValues(state, "state"); {
	case err != nil:
		hints = append(hints, fmt.Sprintf("the edge does not answer: is it running, and does %s/ready say so?", edge.base))
	case len(names) == 0:
		hints = append(hints, "the edge does not say the policy's state: was WEIR_POLICY set?")
	case names[0] != "active":
		hints = append(hints, "the policy is "+names[0]+", so nothing leaves: see 'weir policy lint' and 'weir policy accept'")
	default:
		hints = append(hints, "the policy is active; does its destination name the fleet's address?")
	}
	if pending, err := edge.metrics(ctx, `sum(weir_upstream_pending_reports)`); err == nil && len(pending) > 0 {
		hints = append(hints, number(pending[0].value)+" reports wait in the ledger: 'weir ledger tail' says what became of each")
	}
	if _, err := fleet.metrics(ctx, `vector(1)`); err != nil {
		hints = append(hints, fmt.Sprintf("the fleet does not answer: is it running, and does %s/ready say so?", fleet.base))
	}
	return "  - " + strings.Join(hints, "\n  - ")
}
