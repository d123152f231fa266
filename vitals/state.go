package vitals

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// state is what a restart should not forget: which services and versions were
// heard, so that one that goes on is no deploy and one that does not is silent;
// and which services measure themselves.
//
// Rules for changing it: a field may be added; it is missing in older files and
// unknown to older programs. What a field means stays. What cannot be read is
// not needed: a Vitals without it begins anew.
type state struct {
	Format   int            `json:"format"`
	Services []serviceState `json:"services"`
}

const stateFormat = 1

// MaxStateBytes is more than State ever writes: a service's names, each of its
// characters escaped, are not 12 KiB.
func (v *Vitals) MaxStateBytes() int {
	return (v.opts.MaxServices + 1) * (2 + v.opts.MaxVersions) << 10
}

type serviceState struct {
	Name      string         `json:"name"`
	Heard     int64          `json:"heard"` // Unix nanoseconds, as all times here
	Versioned bool           `json:"versioned,omitempty"`
	Versions  []versionState `json:"versions,omitempty"`
	// Own and Derived are by the names of metrics: when the service's own came
	// last, and since when it is derived in its place.
	Own     map[string]int64 `json:"own,omitempty"`
	Derived map[string]int64 `json:"derived,omitempty"`
}

type versionState struct {
	Name  string `json:"name"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
}

// State is what Restore reads.
func (v *Vitals) State() ([]byte, error) {
	st := state{Format: stateFormat, Services: []serviceState{}}
	v.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(v.services)) {
		s := v.services[name]
		entry := serviceState{Name: name, Heard: s.last, Versioned: s.versioned}
		for _, ver := range s.versions {
			entry.Versions = append(entry.Versions, versionState{ver.name, ver.first, ver.last})
		}
		for i, o := range s.own {
			note(&entry.Own, measured[i].name, o.last)
			note(&entry.Derived, measured[i].name, o.since)
		}
		st.Services = append(st.Services, entry)
	}
	v.mu.Unlock()
	data, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("write the state of vitals: %w", err)
	}
	return data, nil
}

func note(times *map[string]int64, name string, at int64) {
	if at == 0 {
		return
	}
	if *times == nil {
		*times = map[string]int64{}
	}
	(*times)[name] = at
}

// Restore takes up what an earlier Vitals knew; it is called before anything is
// counted. What is there is believed within the bounds: at most as many services
// and versions as are told apart, and no time after now. With an error nothing
// is taken up.
func (v *Vitals) Restore(data []byte, now time.Time) error {
	if most := v.MaxStateBytes(); len(data) > most {
		return fmt.Errorf("read the state of vitals: %d bytes are more than the %d that it can have", len(data), most)
	}
	var st state
	if err := json.Unmarshal(data, &st); err != nil {
		// The decoder's text may quote what is in the file.
		return errors.New("read the state of vitals: it is not the JSON that is written there")
	}
	if st.Format != stateFormat {
		return fmt.Errorf("read the state of vitals: format %d is not %d", st.Format, stateFormat)
	}
	latest := now.UnixNano()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, entry := range st.Services {
		name := cleanName(entry.Name)
		if name == "" || v.services[name] != nil || name != otherServices && v.full() {
			continue
		}
		s := &service{last: min(entry.Heard, latest), versioned: entry.Versioned}
		for _, ver := range entry.Versions[:min(len(entry.Versions), v.opts.MaxVersions)] {
			if clean := cleanName(ver.Name); clean != "" && s.version(clean) < 0 {
				s.versions = append(s.versions, version{
					name: clean, first: min(ver.First, latest), last: min(ver.Last, latest), series: series{start: v.emitted},
				})
			}
		}
		for i := range s.own {
			of := measured[i].name
			s.own[i] = owned{last: min(entry.Own[of], latest), since: min(entry.Derived[of], latest)}
		}
		v.services[name] = s
	}
	v.forget(latest)
	return nil
}
