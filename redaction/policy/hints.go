package policy

// hintFor says what to write for a required key that is missing.
func hintFor(key string) string {
	if h, ok := keyHints[key]; ok {
		return h
	}
	return "add " + key + ":"
}

var keyHints = map[string]string{
	"version":     "start with: version: 1",
	"product":     "add product: and the product's name",
	"vendor":      "add vendor: and the vendor's name",
	"revision":    "add revision: and a number that grows with every release of this file",
	"destination": "add destination: https://...; reports go nowhere else",
	"interval":    "add interval: 60s",
	"identity":    "add identity: {weir.install.id: {type: uuid}}",
	"signals":     "add signals: and a list of what may leave; [] lets nothing but the report's sequence out",
	"name":        "add name: and the metric's name",
	"why":         "add why: and the question that it answers; a reviewer decides by it",
	"owner":       "add owner: and whom the customer can ask about it",
	"category":    "add category: version, heartbeat, error_rate, utilization or health",
	"kind":        "add kind: sum, gauge or histogram",
	"unit":        `add unit: as the metric has it, such as "1", s, By or "{request}"`,
	"value":       "add value: {min: 0, max: 1e12, step: 1}; what no bound limits does not leave",
	"bounds":      "add bounds: [0.1, 0.5, 1]; they are the policy's, not the sender's",
	"merge":       "add merge: last, sum, min, max or mean; it says what becomes of points that meet in one series",
	"min":         "add min: and the least value",
	"max":         "add max: and the greatest value; more is sent as max",
	"step":        "add step: and to what values are rounded, such as 1 or 0.01",
}
