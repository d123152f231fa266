package policy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/format/policy.md is what people write policies by.
func TestTheFormatIsDocumentedAsItIs(t *testing.T) {
	text, err := os.ReadFile("../../docs/format/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	for _, part := range []struct {
		heading string
		keys    []string
	}{
		{"## Top level", topKeys},
		{"## Signals", signalKeys},
	} {
		_, section, ok := strings.Cut(doc, part.heading+"\n")
		if !ok {
			t.Fatalf("no section %s", part.heading)
		}
		section, _, _ = strings.Cut(section, "\n##")
		var documented []string
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(section, -1) {
			for _, key := range strings.Split(row[1], ", ") {
				documented = append(documented, strings.Trim(key, "`"))
			}
		}
		want := slices.Clone(part.keys)
		slices.Sort(documented)
		slices.Sort(want)
		if !slices.Equal(documented, want) {
			t.Errorf("%s has %v, the parser reads %v", part.heading, documented, want)
		}
	}
	var words []string
	for _, n := range domainNames {
		words = append(words, n.name)
	}
	for _, n := range kindNames {
		words = append(words, n.name)
	}
	for _, n := range mergeNames {
		words = append(words, n.name)
	}
	for _, n := range categoryNames {
		words = append(words, n.name)
	}
	for _, w := range words {
		if !regexp.MustCompile("[`{ ]" + w + "[`:,}]").MatchString(doc) {
			t.Errorf("%s is not documented", w)
		}
	}
	for what, limit := range map[string]int{
		"signals": maxSignals, "attributes": maxAttributes, "why": maxWhy, "owner": maxOwner,
		"dictionary": defaultDictionary, "enum length": maxEnumLength, "semver": MaxSemverLength,
	} {
		if !regexp.MustCompile(fmt.Sprintf(`\b%d\b`, limit)).MatchString(doc) {
			t.Errorf("the limit of %s, %d, is not documented", what, limit)
		}
	}
	for _, limit := range []string{"10,000", "100,000", "1 MiB", "2^40 - 1"} {
		if !strings.Contains(doc, limit) {
			t.Errorf("the limit %s is not documented", limit)
		}
	}
	_, example, _ := strings.Cut(doc, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := Parse("docs/format/policy.md", []byte(example)); err != nil {
		t.Errorf("the example is not valid: %v", err)
	}
}
