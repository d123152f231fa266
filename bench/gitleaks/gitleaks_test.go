package gitleaks

import (
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/weir-telemetry/weir/redaction/mask"
)

var update = flag.Bool("update", false, "print what unmasked.txt lacks")

//go:embed unmasked.txt
var unmasked string

// listed is unmasked.txt: a rule's name and the reason, a line each.
func listed(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for line := range strings.Lines(unmasked) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !ok || reason == "" || list[name] != "" {
			t.Fatalf("unmasked.txt: %q has no reason, or comes twice", line)
		}
		list[name] = reason
	}
	return list
}

// rules are the patterns by the rules' names.
func rules(t *testing.T) map[string]string {
	t.Helper()
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		t.Fatal(err)
	}
	var c config.ViperConfig
	if err := v.Unmarshal(&c); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range c.Rules {
		if r.Regex != "" {
			out[r.ID] = r.Regex
		}
	}
	if len(out) < 200 {
		t.Fatalf("only %d rules", len(out))
	}
	return out
}

const samples = 40

// secretLeft says whether what the rule calls the secret (its first group, or
// all of it) is still in the line after masking.
func secretLeft(m *mask.Masker, re *regexp.Regexp, line string) (left, matched bool) {
	g := re.FindStringSubmatch(line)
	if g == nil {
		return false, false
	}
	secret := g[0]
	for _, s := range g[1:] {
		if s != "" {
			secret = s
			break
		}
	}
	out := string(m.Append(nil, []byte(line)))
	return strings.Contains(out, secret), true
}

func TestEachRulesSecretsAreMaskedOrTheRuleIsListed(t *testing.T) {
	m, err := mask.New(mask.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list, masked, n := listed(t), 0, 0
	all := rules(t)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		re := regexp.MustCompile(all[id])
		tree, err := syntax.Parse(all[id], syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		left, matched, example := 0, 0, ""
		for try := 0; matched < samples && try < samples*50; try++ {
			line := generate(r, tree)
			if try%2 == 1 {
				line = " " + line + " "
			}
			l, ok := secretLeft(m, re, line)
			if !ok {
				continue
			}
			matched++
			if l {
				left++
				example = line
			}
		}
		n++
		switch {
		case matched == 0:
			t.Errorf("%s: no string could be made for %s", id, all[id])
		case left > 0 && list[id] == "":
			if *update {
				fmt.Fprintf(os.Stderr, "%s: %d of %d left %.200q %.200q\n", id, left, matched, example, all[id])
			}
			t.Errorf("%s: %d of %d are not masked", id, left, matched)
		case left == 0 && list[id] != "":
			t.Errorf("%s is listed, and all of its strings are masked: take it off the list", id)
		}
		if left == 0 {
			masked++
		}
	}
	for id := range list {
		if _, ok := all[id]; !ok {
			t.Errorf("%s is listed and no rule", id)
		}
	}
	t.Logf("%d of %d rules are masked, %d listed with the reason", masked, n, len(list))
}
