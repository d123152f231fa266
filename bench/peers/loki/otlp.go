package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

type object = map[string]any

func attribute(key string, value object) object { return object{"key": key, "value": value} }

func text(key, value string) object { return attribute(key, object{"stringValue": value}) }

// otlpCorpus is one export request: six streams by their resources, with
// scopes, severities, trace ids and attributes of every type, with a part of
// their entries.
func otlpCorpus(begin time.Time, p part) []byte {
	var resources []object
	for i := range 6 {
		r := rand.New(rand.NewPCG(uint64(i), 99))
		attributes := []object{
			text("service.name", fmt.Sprintf("shop-%d", i/2)), text("service.namespace", "acme"),
			text("service.version", "1.2.3"), text("k8s.pod.name", fmt.Sprintf("shop-%d-x", i)),
			text("host.name", "h1"), attribute("process.pid", object{"intValue": "42"}),
		}
		if i == 5 {
			attributes = attributes[3:] // no service.name
		}
		var records []object
		for j := range 120 {
			severity := []int{0, 5, 9, 13, 17, 21}[r.IntN(6)]
			body := object{"stringValue": fmt.Sprintf("order %d of %s took %dms", r.IntN(1000), pick(r, users), r.IntN(500))}
			if j%10 == 7 {
				body = object{"kvlistValue": object{"values": []object{text("event", "paid"), attribute("amount", object{"doubleValue": 12.5})}}}
			}
			record := object{
				"timeUnixNano": fmt.Sprint(begin.Add(time.Duration(j)*span/120).UnixNano() + int64(i)),
				"body":         body,
				"attributes": []object{
					text("http.method", pick(r, methods)), attribute("http.status_code", object{"intValue": fmt.Sprint(pick(r, codes))}),
					attribute("cached", object{"boolValue": r.IntN(2) == 0}), attribute("ratio", object{"doubleValue": float64(r.IntN(100)) / 8}),
					attribute("tags", object{"arrayValue": object{"values": []object{{"stringValue": "x"}, {"intValue": "1"}}}}),
					attribute("nested", object{"kvlistValue": object{"values": []object{text("in.ner", "deep")}}}),
				},
			}
			if severity > 0 {
				record["severityNumber"] = severity
				record["severityText"] = map[int]string{5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}[severity]
			}
			if j%3 == 0 {
				record["traceId"], record["spanId"] = hex(r, 32), hex(r, 16)
			}
			if p.holds(j) {
				records = append(records, record)
			}
		}
		resources = append(resources, object{
			"resource":  object{"attributes": attributes},
			"scopeLogs": []object{{"scope": object{"name": "shop/log", "version": "0.1", "attributes": []object{text("library.language", "go")}}, "logRecords": records}},
		})
	}
	b, _ := json.Marshal(object{"resourceLogs": resources})
	return b
}
