//go:build linux

// Command mask measures redaction/mask, as processor time in one run, against a
// plain byte-table loop over the same bytes, against Go's regular expressions
// one by one, and against contrib's redaction processor.
//
// Before anything is measured all sides must mask the same lines. It prints
// `figure <name> <value> <goal> ok|short` lines, writes what -results names and
// exits 1 if a figure falls short. All goals are ratios, so that they hold on
// any machine; how fast this one is stands beside them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"

	"github.com/weir-telemetry/weir/redaction/mask"
	"github.com/weir-telemetry/weir/redaction/mask/referee"
)

// five are the families that the narrower goals are about.
var five = []mask.Family{mask.Mail, mask.Card, mask.IP, mask.JWT, mask.Credential}

func main() {
	results := flag.String("results", "", "write the results to this file")
	rounds := flag.Int("rounds", 7, "rounds; a figure is the median of its ratio in each")
	flag.Parse()
	r := &report{}
	if err := run(r, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if *results != "" {
		if err := os.WriteFile(*results, r.markdown(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	if r.short > 0 {
		os.Exit(1)
	}
}

func run(r *report, rounds int) error {
	lines := corpus(rand.New(rand.NewPCG(1, 2)), 4000)
	sides := []*side{}
	for _, s := range []struct {
		name     string
		families []mask.Family
	}{{"five", five}, {"all", nil}} {
		m, err := mask.New(mask.Options{Families: s.families})
		if err != nil {
			return err
		}
		x := &side{name: s.name, masker: m, rules: referee.For(s.families...)}
		if x.contrib, err = newContrib(s.families); err != nil {
			return err
		}
		for _, p := range blocked(s.families) {
			x.regexps = append(x.regexps, regexp.MustCompile(p))
		}
		if err := x.gate(lines); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		sides = append(sides, x)
	}
	total := 0
	for _, l := range lines {
		total += len(l)
	}
	r.note("Five families are mail, card, ip, jwt and credential; the regular expressions are those of bench/mask/patterns.go (%d and %d), alone and as contrib's blocked values",
		len(sides[0].regexps), len(sides[1].regexps))
	r.note("%d lines of %d bytes on average, %d of them with something to mask", len(lines), total/len(lines), masked(lines))
	// The slow sides see fewer lines, spread over the corpus.
	few := lines[:400]
	for range rounds {
		loop := perByte(lines, 20, func(l []byte) { sink += table(l) })
		r.time("byte-table loop", loop)
		for _, x := range sides {
			var dst []byte
			ours := perByte(lines, 10, func(l []byte) { dst = x.masker.Append(dst[:0], l) })
			regexps := perByte(few, 1, func(l []byte) {
				for _, re := range x.regexps {
					l = re.ReplaceAll(l, constant)
				}
				sink += len(l)
			})
			contrib, err := x.contrib.perByte(few)
			if err != nil {
				return err
			}
			r.time(x.name+" families", ours)
			r.time(x.name+" families, regular expressions one by one", regexps)
			r.time(x.name+" families, contrib's redaction", contrib)
			r.ratio(x.name+"_of_loop", loop/ours)
			r.ratio(x.name+"_over_regexp", regexps/ours)
			r.ratio(x.name+"_over_contrib", contrib/ours)
		}
	}
	r.atLeast("five_of_loop", 0.33)
	r.atLeast("five_over_regexp", 50)
	r.atLeast("five_over_contrib", 50)
	r.atLeast("all_of_loop", 0.2)
	r.atLeast("all_over_regexp", 60)
	r.atLeast("all_over_contrib", 50)
	return nil
}

var sink int

// class is a table like the masker's, with nothing to do.
var class = func() (t [256]uint8) {
	for i := range t {
		if i == '@' || i >= '0' && i <= '9' {
			t[i] = 1
		}
	}
	return t
}()

// table is the plain byte-table loop: what one look at each byte costs.
func table(line []byte) int {
	n := 0
	for _, c := range line {
		n += int(class[c])
	}
	return n
}

// side is a choice of families and all that mask it.
type side struct {
	name    string
	masker  *mask.Masker
	rules   []referee.Rule
	regexps []*regexp.Regexp // contrib's patterns, without contrib
	contrib *contrib
}

var constant = []byte("<masked>")

// gate: the masker changes the lines that the referee changes and that contrib's
// processor changes, and no others; and nothing is left that the referee finds.
func (s *side) gate(lines [][]byte) error {
	theirs, err := s.contrib.changed(lines)
	if err != nil {
		return err
	}
	for i, l := range lines {
		ours := s.masker.Append(nil, l)
		changed := !bytes.Equal(ours, l)
		if want := !bytes.Equal(referee.Mask(s.rules, l), l); changed != want {
			return fmt.Errorf("line %d: masked by us %t, by the referee %t: %s", i, changed, want, l)
		}
		if changed != theirs[i] {
			return fmt.Errorf("line %d: masked by us %t, by contrib %t: %s", i, changed, theirs[i], l)
		}
		if spans := referee.Find(s.rules, ours); len(spans) > 0 {
			return fmt.Errorf("line %d: a %s is left", i, spans[0].Family)
		}
	}
	return nil
}
