package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

const head = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: shop.component00.requests
    why: the error rate
    owner: support@acme.example
    category: error_rate
    kind: sum
    unit: "{request}"
    value: {min: 0, max: 1e12, step: 1}
    attributes:
      service.name: {enum: [api, worker, scheduler], otherwise: drop}
      http.response.status_class: {enum: [2xx, 3xx, 4xx, 5xx], otherwise: drop}
`

// policyOf names the first kept metrics of a batch, and as many that never come
// as it takes to have names in all. Ten thousand are more than a policy file
// may hold, so the one signal of the file is repeated under other names.
func policyOf(kept, names int) *policy.Policy {
	p, err := policy.Parse("bench.yaml", []byte(head))
	if err != nil {
		panic(err)
	}
	model := p.Signals[0]
	p.Signals = nil
	for _, name := range namesOf(kept, names) {
		s := model
		s.Name = name
		p.Signals = append(p.Signals, s)
	}
	slices.SortFunc(p.Signals, func(a, b policy.Signal) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// namesOf lists the first kept metrics of a batch and others that never come.
func namesOf(kept, all int) []string {
	var out []string
	for i := range all {
		if i < kept {
			out = append(out, metricName(i))
		} else {
			out = append(out, fmt.Sprintf("shop.absent%05d.requests", i))
		}
	}
	return out
}

func newTable(p *policy.Policy) *table.Table {
	t, err := table.New(p, table.Options{
		Key:      make([]byte, 32),
		Identity: map[string]string{"weir.install.id": "00000000-0000-4000-8000-000000000000"},
		Start:    start,
	})
	if err != nil {
		panic(err)
	}
	return t
}
