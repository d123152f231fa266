package table

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// signal is one metric of the policy, with its cells.
//
// What stands above mu never changes. Points are located and hashed without
// the lock, which is then taken once for a chunk of them.
type signal struct {
	table       *Table
	policy      *policy.Signal
	name, unit  string
	kind        policy.Kind
	merge       policy.Merge
	attributes  []attribute
	wanted      wanted // the hashes of the first attributes' keys
	needsSource bool   // points must be told apart by source
	hmacKey     []byte
	bounds      []float64
	max         float64 // a sum saturates here
	expired     atomic.Bool

	mu      sync.Mutex
	sources sources
	dict    *dictionary // nil: every series is dense
	// since is when a stream must have started for its first point to count
	// in full. It is the table's start until sources expire: one of those
	// could come back and would be counted twice.
	since uint64
	// epoch counts the reports; a gauge's interval is one of them.
	epoch uint32
	// The cells by series: of a sum its value; of a histogram the sums, and
	// width counts each.
	values []float64
	counts []uint64
	width  int
	gauges []gauge
	// rebucketed holds one histogram point on the policy's bounds.
	rebucketed []uint64
}

func newSignal(t *Table, p *policy.Signal, o Options) (*signal, error) {
	if len(p.Attributes) > maxAttributes {
		return nil, errors.New("too many attributes")
	}
	s := &signal{
		table: t, policy: p, name: p.Name, unit: p.Unit, kind: p.Kind, merge: p.Merge,
		bounds: p.Bounds, max: p.Value.Max,
		since: uint64(t.start.UnixNano()), epoch: 1, hmacKey: o.Key,
	}
	s.needsSource = p.Kind != policy.KindGauge || p.Merge == policy.MergeSum || p.Merge == policy.MergeMean
	if p.Kind == policy.KindHistogram {
		s.width = len(p.Bounds) + 1
		s.sources.width = s.width
		s.rebucketed = make([]uint64, s.width)
	}
	dense := true
	for i := range p.Attributes {
		s.attributes = append(s.attributes, newAttribute(&t.hasher, &p.Attributes[i]))
		if i < len(s.wanted) {
			s.wanted[i] = t.hasher.short(p.Attributes[i].Key)
		}
		dense = dense && p.Attributes[i].Domain.Dense()
	}
	if !dense {
		if len(o.Key) == 0 {
			return nil, errors.New("no key for its dictionary")
		}
		s.dict = newDictionary(p.MaxSeries)
	} else {
		n := 1
		for i := len(s.attributes) - 1; i >= 0; i-- { // the first key sorts first: it varies slowest
			s.attributes[i].stride = int32(n)
			n *= len(s.attributes[i].texts)
			if n > maxSeries {
				return nil, errors.New("too many series")
			}
		}
		s.grow(n)
	}
	s.expired.Store(p.Expired(o.Start))
	return s, nil
}

// maxSeries bounds what a policy that was not parsed could ask for.
const maxSeries = 1 << 20

// grow makes room for n series. Needs the lock once the table is in use.
func (s *signal) grow(n int) {
	switch s.kind {
	case policy.KindGauge:
		s.gauges = append(s.gauges, make([]gauge, n-len(s.gauges))...)
	case policy.KindHistogram:
		s.counts = append(s.counts, make([]uint64, n*s.width-len(s.counts))...)
		s.values = append(s.values, make([]float64, n-len(s.values))...)
	default:
		s.values = append(s.values, make([]float64, n-len(s.values))...)
	}
}

// track remembers a source, if there is room. Needs the lock.
func (s *signal) track(src source) (int32, bool) {
	if !s.table.sources.take(s.weight()) {
		return 0, false
	}
	return s.sources.insert(src), true
}

func (s *signal) weight() int64 { return int64(1 + s.width/8) }

// turn begins the next interval: it forgets idle sources. Needs the lock.
func (s *signal) turn(now time.Time) {
	s.epoch++
	if s.epoch <= s.table.idle {
		return
	}
	gone, latest := s.sources.expire(s.epoch - s.table.idle)
	if gone == 0 {
		return
	}
	s.table.sources.give(int64(gone) * s.weight())
	// A start time from the future must not turn all later sources into
	// baselines.
	s.since = max(s.since, min(latest+1, uint64(max(now.UnixNano(), 0))))
}
