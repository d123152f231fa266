package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/ledger"
)

const ledgerStatsUsage = "[--json] [--days N]"

// Parts of a report that are no entry of the policy.
const (
	partEnvelope = "(envelope)"   // identity, policy digest, framing
	partPruned   = "(pruned)"     // bodies that are gone: how large they were is known
	partOther    = "(unreadable)" // what is no report
)

// ledgerStats is how much left, or waits to leave, on each day.
type ledgerStats struct {
	Folder  string     `json:"folder"`
	Days    []statsDay `json:"days"`
	Reports int64      `json:"reports"`
	Bytes   int64      `json:"bytes"`
	// By entry of the policy and by destination, over these days.
	Entries      map[string]int64 `json:"entries"`
	Destinations map[string]int64 `json:"destinations"`
	// The states of the reports.
	States map[string]int64 `json:"states"`
}

type statsDay struct {
	Day          string           `json:"day"`
	Reports      int64            `json:"reports"`
	Bytes        int64            `json:"bytes"`
	Entries      map[string]int64 `json:"entries"`
	Destinations map[string]int64 `json:"destinations"`
}

func runLedgerStats(e env, args []string) int {
	var asJSON bool
	days := 30
	rest, err := parseArgs("ledger stats", ledgerStatsUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.IntVar(&days, "days", days, "")
	})
	if err == nil && (len(rest) > 0 || days < 1) {
		err = fmt.Errorf("%w: usage: weir ledger stats %s", errUsage, ledgerStatsUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	s, err := e.stats(days)
	if err != nil {
		return e.fail(e.ledgerError(err))
	}
	if asJSON {
		return e.json(s, exitYes)
	}
	e.sayStats(s)
	return exitYes
}

// stats adds up the last days that have reports.
func (e env) stats(days int) (*ledgerStats, error) {
	b, err := ledger.OpenBook(e.watch("ledger stats", e.ledgerDir()), e.ledgerDir())
	if err != nil {
		return nil, err
	}
	r, err := b.From(0)
	if err != nil {
		return nil, err
	}
	byDay := map[string]*statsDay{}
	days1 := map[string]map[string]int64{} // states by day
	dayOf := map[int64]string{}            // of reports without an outcome
	state := func(day, state string, n int64) {
		if days1[day] == nil {
			days1[day] = map[string]int64{}
		}
		days1[day][state] += n
	}
	err = r.Read(func(r ledger.Record) error {
		switch r.Kind {
		case ledger.KindReport:
			day := r.Time.UTC().Format("2006-01-02")
			d := byDay[day]
			if d == nil {
				d = &statsDay{Day: day, Entries: map[string]int64{}, Destinations: map[string]int64{}}
				byDay[day] = d
			}
			d.add(&r)
			dayOf[r.Index] = day
			state(day, "pending", 1)
		case ledger.KindOutcome:
			if o, err := ledger.ParseOutcome(r.Body); err == nil {
				if day, ok := dayOf[o.Report]; ok {
					state(day, "pending", -1)
					state(day, string(o.Result), 1)
					delete(dayOf, o.Report)
				}
			}
		case ledger.KindDrop:
			if d, err := ledger.ParseDrop(r.Body); err == nil {
				for index, day := range dayOf {
					if d.From <= index && index <= d.To {
						state(day, "pending", -1)
						state(day, "dropped", 1)
						delete(dayOf, index)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &ledgerStats{Folder: e.ledgerDir(), Days: []statsDay{}, Entries: map[string]int64{}, Destinations: map[string]int64{}, States: map[string]int64{}}
	names := slices.Sorted(maps.Keys(byDay))
	for _, name := range names[max(0, len(names)-days):] {
		d := byDay[name]
		s.Days = append(s.Days, *d)
		s.Reports, s.Bytes = s.Reports+d.Reports, s.Bytes+d.Bytes
		for _, sum := range []struct{ to, from map[string]int64 }{{s.Entries, d.Entries}, {s.Destinations, d.Destinations}, {s.States, days1[name]}} {
			for k, n := range sum.from {
				if n != 0 {
					sum.to[k] += n
				}
			}
		}
	}
	return s, nil
}

func (d *statsDay) add(r *ledger.Record) {
	n := int64(r.About().Size)
	d.Reports, d.Bytes = d.Reports+1, d.Bytes+n
	d.Destinations[r.Destination] += n
	if r.Removed != nil {
		d.Entries[partPruned] += n
		return
	}
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(r.Body)
	if err != nil {
		d.Entries[partOther] += n
		return
	}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				size := int64((&pmetric.ProtoMarshaler{}).MetricSize(m))
				d.Entries[m.Name()] += size
				n -= size
			}
		}
	}
	d.Entries[partEnvelope] += n
}

// barWidth is that of the largest bar.
const barWidth = 40

func (e env) sayStats(s *ledgerStats) {
	if s.Reports == 0 {
		fmt.Fprintln(e.out, "no reports")
		return
	}
	var most int64
	for _, d := range s.Days {
		most = max(most, d.Bytes)
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "DAY\tREPORTS\tBYTES\t")
	for _, d := range s.Days {
		fmt.Fprintf(w, "%s\t%d\t%d\t  %s\n", d.Day, d.Reports, d.Bytes, bar(d.Bytes, most))
	}
	_ = w.Flush()
	e.sayShares("ENTRY", s.Entries, s.Bytes, len(s.Days))
	e.sayShares("DESTINATION", s.Destinations, s.Bytes, len(s.Days))
	fmt.Fprintln(e.out)
	for i, state := range slices.Sorted(maps.Keys(s.States)) {
		if i > 0 {
			fmt.Fprint(e.out, ", ")
		}
		fmt.Fprintf(e.out, "%d %s", s.States[state], plain(state))
	}
	fmt.Fprintf(e.out, "; %d bytes in %d reports\n", s.Bytes, s.Reports)
}

func (e env) sayShares(title string, parts map[string]int64, all int64, days int) {
	fmt.Fprintln(e.out)
	names := slices.SortedFunc(maps.Keys(parts), func(a, b string) int {
		return cmp.Or(cmp.Compare(parts[b], parts[a]), cmp.Compare(a, b))
	})
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tBYTES\tA DAY\tSHARE\t\n", title)
	for _, name := range names {
		n := parts[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%.1f %%\t%s\n", plain(name), n, n/int64(days), 100*float64(n)/float64(max(1, all)), bar(n, all))
	}
	_ = w.Flush()
}

func bar(n, of int64) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat("#", int(max(1, n*barWidth/max(1, of))))
}
