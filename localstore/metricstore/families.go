package metricstore

import (
	"maps"
	"sync"

	"github.com/prometheus/prometheus/model/metadata"
)

// maxFamilies bounds the descriptions kept in memory.
const maxFamilies = 20_000

// families remembers the type, unit and help of metric families. The TSDB does
// not keep them, and Prometheus answers /metadata from its scrape targets,
// which do not exist here. They are gone after a restart, until each family's
// next sample.
type families struct {
	mu sync.RWMutex
	m  map[string]metadata.Metadata
}

func (f *families) learn(name string, md metadata.Metadata) {
	f.mu.RLock()
	old, known := f.m[name]
	full := len(f.m) >= maxFamilies
	f.mu.RUnlock()
	if known && old.Equals(md) || !known && full {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil {
		f.m = make(map[string]metadata.Metadata)
	}
	f.m[name] = md
}

// Metadata returns what is known of the metric families since Open, by name.
func (s *Store) Metadata() map[string]metadata.Metadata {
	s.families.mu.RLock()
	defer s.families.mu.RUnlock()
	return maps.Clone(s.families.m)
}
