package preflight

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Settings are what the look needs of an edge's configuration.
type Settings struct {
	Listeners []Listener
	Data      Setting // the folder; without a value nothing is kept
	// Stores says that telemetry is kept in the data folder, and not elsewhere.
	Stores   bool
	Logs     Kept
	Metrics  Kept
	Policy   PolicySettings
	Upstream UpstreamSettings
	LogFiles []Patterns
	Scrapes  []Setting
	Doors    []Door
	// MemoryLimit is where the edge itself begins to refuse; 0: nowhere.
	MemoryLimit int64
	// Responsibilities is a file, or empty.
	Responsibilities string

	contacts responsibilities.Contacts
}

// Setting is a value and how to change it.
type Setting struct {
	Value    string
	Key      string // in the configuration, as receivers::otlp::protocols::grpc::endpoint
	Variable string // of the environment, if the configuration takes it from there
}

// change says where the value is written.
func (s Setting) change() string {
	if s.Variable != "" {
		return fmt.Sprintf("%s (%s)", s.Variable, s.Key)
	}
	return s.Key
}

// Listener is an address that the edge listens on.
type Listener struct {
	Setting
	Component string
}

// Kept is how long and how much a store keeps.
type Kept struct {
	Setting  // the retention as it is written
	For      time.Duration
	MaxBytes int64 // 0: no bound
}

// PolicySettings are the policy extension's.
type PolicySettings struct {
	File            Setting
	Data            string
	Verifiers       []string
	Threshold       int
	Accepters       []string
	AcceptThreshold int
}

// UpstreamSettings say how reports get to the policy's destination.
type UpstreamSettings struct {
	Used   bool
	CAFile string
	Proxy  ProxySettings
}

// ProxySettings are those of the one proxy. No finding holds user or password.
type ProxySettings struct{ URL, CAFile, Username, Password, PasswordFile string }

// Patterns are those of one receiver of log files.
type Patterns struct {
	Component string
	Include   []Setting
	Exclude   []string
}

// Door is a component that connects to another machine.
type Door struct {
	Component string `json:"component"`
	To        string `json:"to"`
	Whose     string `json:"whose"` // vendor, customer or unknown
}

// node is a piece of configuration and where it stands.
type node struct {
	value any
	path  []string
	raw   []map[string]any // the files as they are written, the last one wins
}

func (n node) at(keys ...string) node {
	for _, k := range keys {
		m, _ := n.value.(map[string]any)
		n = node{m[k], append(slices.Clone(n.path), k), n.raw}
	}
	return n
}

func (n node) keys() []string {
	m, _ := n.value.(map[string]any)
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func (n node) text(otherwise string) string {
	if n.value == nil {
		return otherwise
	}
	return fmt.Sprint(n.value)
}

func (n node) list() (all []node) {
	l, _ := n.value.([]any)
	for i, v := range l {
		all = append(all, node{v, append(slices.Clone(n.path), fmt.Sprint(i)), n.raw})
	}
	return all
}

func (n node) texts() (all []string) {
	for _, one := range n.list() {
		all = append(all, one.text(""))
	}
	return all
}

var variable = regexp.MustCompile(`\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)`)

func (n node) setting(otherwise string) Setting {
	s := Setting{Value: n.text(otherwise), Key: strings.Join(n.path, "::")}
	for _, file := range slices.Backward(n.raw) {
		if written, ok := lookup(file, n.path); ok {
			if m := variable.FindStringSubmatch(fmt.Sprint(written)); m != nil {
				s.Variable = m[1]
			}
			break
		}
	}
	return s
}

func lookup(v any, path []string) (any, bool) {
	for _, k := range path {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[k]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i := -1
			if _, err := fmt.Sscan(k, &i); err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Read takes out of an effective configuration what the look needs; raw are its
// files before variables were put in. What is not used by a pipeline or as an
// extension counts as absent, as it does for the collector.
func Read(effective map[string]any, raw []map[string]any) (Settings, error) {
	root := node{value: effective, raw: raw}
	if root.at("service", "pipelines").value == nil {
		return Settings{}, fmt.Errorf("the configuration has no service::pipelines: it is not a collector's")
	}
	used := root.used()
	store := root.at("extensions").of("local_store", used["extensions"])
	s := Settings{
		Stores: slices.ContainsFunc(used["extensions"], kind("local_store")),
		Data:   root.dataFolder(store, used),
	}
	var err error
	if s.Logs, err = store.at("logs").kept("7d"); err != nil {
		return s, err
	}
	if s.Metrics, err = store.at("metrics").kept("15d"); err != nil {
		return s, err
	}
	s.listeners(root, used)
	p := root.at("extensions").of("policy", used["extensions"])
	s.Policy = PolicySettings{
		File: p.at("file").setting(""), Data: p.at("data").text("./data"),
		Verifiers: p.at("verifiers").texts(), Threshold: p.at("threshold").number(1),
		Accepters: p.at("require", "acceptance_signature").texts(), AcceptThreshold: p.at("require", "threshold").number(1),
	}
	up := root.at("exporters").of("upstream", used["exporters"])
	s.Upstream = UpstreamSettings{
		Used: slices.ContainsFunc(used["exporters"], kind("upstream")), CAFile: up.at("tls", "ca_file").text(""),
		Proxy: ProxySettings{up.at("proxy", "url").text(""), up.at("proxy", "ca_file").text(""),
			up.at("proxy", "username").text(""), up.at("proxy", "password").text(""), up.at("proxy", "password_file").text("")},
	}
	if limiter := root.at("processors").of("memory_limiter", used["processors"]); limiter.at("limit_mib").value != nil {
		s.MemoryLimit = int64(limiter.at("limit_mib").number(0)) << 20
	}
	for _, id := range used["receivers"] {
		r := root.at("receivers", id)
		switch kindOf(id) {
		case "file_log", "filelog":
			f := Patterns{Component: id, Exclude: r.at("exclude").texts()}
			for _, one := range r.at("include").list() {
				f.Include = append(f.Include, one.setting(""))
			}
			s.LogFiles = append(s.LogFiles, f)
		case "prometheus":
			for _, job := range r.at("config", "scrape_configs").list() {
				for _, sd := range job.at("file_sd_configs").list() {
					for _, f := range sd.at("files").list() {
						s.Scrapes = append(s.Scrapes, f.setting(""))
					}
				}
			}
		}
	}
	s.outwards(root, used, store)
	for _, id := range root.at("connectors").keys() {
		if name := root.at("connectors", id, "responsibilities").text(""); name != "" {
			s.Responsibilities = name
		}
	}
	return s, nil
}

// dataFolder is the store's, or else that of whoever keeps anything: the
// policy's acceptances, the ledger. Without one nothing is kept.
func (n node) dataFolder(store node, used map[string][]string) Setting {
	if store.value != nil || slices.ContainsFunc(used["extensions"], kind("local_store")) {
		return store.at("data").setting("./data")
	}
	for _, section := range []string{"extensions", "exporters"} {
		for _, id := range used[section] {
			if one := n.at(section, id); one.has("data") {
				return one.at("data").setting("./data")
			}
		}
	}
	return Setting{}
}

// used lists the components in use, by the section that they are written in.
func (n node) used() map[string][]string {
	all := map[string][]string{"extensions": n.at("service", "extensions").texts()}
	pipelines := n.at("service", "pipelines")
	for _, p := range pipelines.keys() {
		for _, section := range []string{"receivers", "processors", "exporters"} {
			for _, id := range pipelines.at(p, section).texts() {
				if n.at("connectors").has(id) || slices.Contains(all[section], id) {
					continue
				}
				all[section] = append(all[section], id)
			}
		}
	}
	for _, ids := range all {
		slices.Sort(ids)
	}
	return all
}

func (n node) has(key string) bool {
	m, _ := n.value.(map[string]any)
	_, ok := m[key]
	return ok
}

func kindOf(id string) string {
	k, _, _ := strings.Cut(id, "/")
	return k
}

func kind(k string) func(string) bool { return func(id string) bool { return kindOf(id) == k } }

// of is the first component of a kind that is in use.
func (n node) of(k string, used []string) node {
	if i := slices.IndexFunc(used, kind(k)); i >= 0 {
		return n.at(used[i])
	}
	return node{path: []string{"extensions", k}}
}

func (n node) number(otherwise int) int {
	switch v := n.value.(type) {
	case int:
		return v
	case int64:
		return int(v)
	case float64:
		return int(v)
	}
	return otherwise
}

func (n node) kept(otherwise string) (Kept, error) {
	k := Kept{Setting: n.at("retention").setting(otherwise)}
	var err error
	if k.For, err = time.ParseDuration(k.Value); err != nil {
		days, err := model.ParseDuration(k.Value)
		if err != nil {
			return k, fmt.Errorf("%s: not a duration: write it as 36h, 15d or 2w", k.Key)
		}
		k.For = time.Duration(days)
	}
	if text := n.at("max_bytes").text(""); text != "" {
		if _, err := fmt.Sscanf(text+"\n", "%d\n", &k.MaxBytes); err != nil {
			if k.MaxBytes, err = units.ParseStrictBytes(text); err != nil {
				return k, fmt.Errorf("%s: not a size: write it as a number of bytes, or as 512MiB or 20GB", strings.Join(n.at("max_bytes").path, "::"))
			}
		}
	}
	return k, nil
}

// addresses that components listen on if none is written.
var addresses = map[string]string{
	"receivers::otlp::protocols::grpc": "localhost:4317",
	"receivers::otlp::protocols::http": "localhost:4318",
	"extensions::local_store::http":    "127.0.0.1:7070",
}

func (s *Settings) listeners(root node, used map[string][]string) {
	for _, section := range []string{"receivers", "extensions"} {
		for _, id := range used[section] {
			n := root.at(section, id)
			if k := kindOf(id); k == "prometheus" || k == "file_log" || k == "hostmetrics" {
				continue // they go and look; nobody comes to them
			}
			s.listen(id, n)
		}
	}
	if n := root.at("extensions", "local_store"); slices.Contains(used["extensions"], "local_store") && !n.has("http") {
		s.Listeners = append(s.Listeners, Listener{n.at("http", "endpoint").setting(addresses["extensions::local_store::http"]), "local_store"})
	}
}

// listen finds the endpoints under a component.
func (s *Settings) listen(id string, n node) {
	for _, k := range n.keys() {
		sub := n.at(k)
		if k == "endpoint" {
			if _, _, err := net.SplitHostPort(sub.text("")); err == nil {
				s.Listeners = append(s.Listeners, Listener{sub.setting(""), id})
			}
			continue
		}
		if at, ok := addresses[strings.Join(append([]string{sub.path[0], kindOf(id)}, sub.path[2:]...), "::")]; ok && !sub.has("endpoint") {
			s.Listeners = append(s.Listeners, Listener{sub.at("endpoint").setting(at), id})
			continue
		}
		s.listen(id, sub)
	}
}

// outwards finds what connects to other machines. Where upstream goes is the
// policy's to say.
func (s *Settings) outwards(root node, used map[string][]string, store node) {
	for _, id := range used["exporters"] {
		n := root.at("exporters", id)
		switch kindOf(id) {
		case "upstream", "local_store", "debug", "nop":
		case "loki", "prometheusremotewrite":
			s.Doors = append(s.Doors, Door{id, n.at("endpoint").text("nowhere"), "customer"})
		default:
			s.Doors = append(s.Doors, Door{id, n.at("endpoint").text("nobody knows where"), "unknown"})
		}
	}
	for _, to := range store.at("rules", "alertmanagers").texts() {
		if to != "" {
			s.Doors = append(s.Doors, Door{"local_store", to, "customer"})
		}
	}
}
