package fault

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/vitals/probe"
)

var update = flag.Bool("update", false, "write the tables into docs/fault-domain.md")

const document = "../../docs/fault-domain.md"

// The document holds the tables that follow from the code, and no others.
func TestTheTablesInTheDocumentAreTheCodes(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(text)
	for name, table := range map[string]string{"signs": signTable(), "troubles": troubleTable(), "domains": domainTable()} {
		from := []byte("<!-- table " + name + ", made by vitals/fault -->\n")
		to := []byte("<!-- end of table " + name + " -->\n")
		i, j := bytes.Index(want, from), bytes.Index(want, to)
		if i < 0 || j < i {
			t.Fatalf("%s has no place for the table %s", document, name)
		}
		want = append(append(append([]byte{}, want[:i+len(from)]...), table...), want[j:]...)
	}
	if *update {
		if err := os.WriteFile(document, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(text, want) {
		t.Errorf("the tables in %s are not the code's: run this test with -update", document)
	}
}

// groups of kinds that have a column in the table of signs. An empty cell is a
// reason that none of them can give.
var groups = []struct {
	title string
	kinds []probe.Kind
}{
	{"`dns`, `proxy`", []probe.Kind{probe.DNS, probe.Proxy}},
	{"`tcp`, `tls`, `http`", []probe.Kind{probe.TCP, probe.TLS, probe.HTTP}},
	{"`disk`, `inode`, `memory`", []probe.Kind{probe.Disk, probe.Inode, probe.Memory}},
	{"`clock`", []probe.Kind{probe.Clock}},
}

func signTable() string {
	var b strings.Builder
	b.WriteString("| reason | in words |")
	for _, g := range groups {
		fmt.Fprintf(&b, " %s |", g.title)
	}
	fmt.Fprintf(&b, "\n|---|---|%s\n", strings.Repeat("---|", len(groups)))
	for _, r := range probe.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s |", r, r.Words())
		for _, g := range groups {
			cell := ""
			for _, k := range g.kinds {
				if !k.Finds(r) || r == probe.OK {
					continue
				}
				if said := describe(k, r); cell == "" {
					cell = said
				} else if cell != said {
					panic("the kinds of a column differ in " + string(r))
				}
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func describe(k probe.Kind, r probe.Reason) string {
	f := Finding{Finding: probe.Finding{Kind: k, Reason: r}}
	alone, cut := signOf(f, false), signOf(f, true)
	s := string(alone.Domain)
	switch r.Outcome() {
	case probe.Warning:
		s = "warning"
	case probe.Unknown:
		return "no sign"
	}
	if alone.Owner != alone.Domain.Owner() {
		s += ", " + string(alone.Owner)
	}
	if cut != alone {
		s += "; " + string(cut.Domain) + " if nothing else was reached"
	}
	return s
}

func troubleTable() string {
	var b strings.Builder
	b.WriteString("| source | reason | in words | sign of |\n|---|---|---|---|\n")
	for _, t := range troubles {
		s := t.Trouble.sign()
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Source, s.Reason, s.Words, s.Domain)
	}
	return b.String()
}

// domainTable is the decision: every set of domains of which there are signs.
func domainTable() string {
	var b strings.Builder
	b.WriteString("| host | network | dependency | product | collector | verdict | owner, if no sign says otherwise |\n|---|---|---|---|---|---|---|\n")
	columns := []Domain{Host, Network, Dependency, Product, Collector}
	for i, d := range columns {
		for j := range columns {
			switch {
			case j < i:
				b.WriteString("| no ")
			case j == i:
				b.WriteString("| **yes** ")
			default:
				b.WriteString("| any ")
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", d, d.Owner())
	}
	fmt.Fprintf(&b, "%s| %s | %s |\n", strings.Repeat("| no ", len(columns)), None, None.Owner())
	return b.String()
}
