package policy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func parsed(t *testing.T, file string) *Policy {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("allowlist.yaml", section(a, "allowlist.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Both documents say what the policy says: each entry with its reason, owner,
// attributes and bound, and the digest.
func TestDocumentsHoldEachEntryAndTheDigest(t *testing.T) {
	for _, file := range []string{"design.txtar", "valid-every-domain.txtar", "valid-include.txtar", "valid-up-down.txtar"} {
		p := parsed(t, file)
		d := Describe(p)
		var html, annex bytes.Buffer
		if err := ExplainHTML(&html, p); err != nil {
			t.Fatal(err)
		}
		if err := Annex(&annex, p); err != nil {
			t.Fatal(err)
		}
		words := []string{d.Digest.String(), d.Destination, d.Product, d.Vendor, count(d.Budget.BitsPerDay), d.Expires}
		for _, a := range d.Identity {
			words = append(words, a.Key, a.Values)
		}
		for _, s := range d.Signals {
			words = append(words, s.Name, s.Why, s.Owner, s.Set, s.What, s.Series, count(s.Budget.BitsPerDay))
			for _, a := range s.Attributes {
				words = append(words, a.Key, a.Values, a.Otherwise)
			}
		}
		for _, w := range words {
			if w == never {
				continue
			}
			if !strings.Contains(html.String(), escaped(w)) {
				t.Errorf("%s: the HTML does not say %q", file, w)
			}
			if !strings.Contains(annex.String(), md(w)) {
				t.Errorf("%s: the annex does not say %q", file, w)
			}
		}
	}
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "'", "&#39;", `"`, "&#34;", "<", "&lt;", ">", "&gt;", "+", "&#43;").Replace(s)
}

// The document is mailed and filed: it asks for nothing and runs nothing.
func TestTheDocumentStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := ExplainHTML(&b, parsed(t, "valid-include.txtar")); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, never := range []string{"<script", "<link", "<img", "<iframe", "<form", "url(", "@import", "src=", " on", "javascript:"} {
		if never == " on" {
			if m := regexp.MustCompile(`<[^>]*\son[a-z]+=`).FindString(html); m != "" {
				t.Errorf("the document has a handler: %s", m)
			}
			continue
		}
		if strings.Contains(html, never) {
			t.Errorf("the document has %s", never)
		}
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		id := strings.TrimPrefix(m[1], "#")
		if id == m[1] || strings.Count(html, `id="`+id+`"`) != 1 {
			t.Errorf("the link %q leads nowhere", m[1])
		}
	}
	var again bytes.Buffer
	if err := ExplainHTML(&again, parsed(t, "valid-include.txtar")); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same policy gives two documents")
	}
}

const markup = `</dd><script>alert(1)</script> | **bold** [link](https://evil.example) ` + "`code`"

// What an author writes is text in both documents, whatever it looks like.
func TestTextOfThePolicyIsNeverMarkup(t *testing.T) {
	source := bytes.Replace(design(t), []byte("owner: support@acme.example"), []byte("owner: '"+markup+"'"), 1)
	p, err := Parse("p", source)
	if err != nil {
		t.Fatal(err)
	}
	var html, annex bytes.Buffer
	if err := ExplainHTML(&html, p); err != nil {
		t.Fatal(err)
	}
	if err := Annex(&annex, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html.String(), "<script") || !strings.Contains(html.String(), "&lt;script&gt;") {
		t.Error("the HTML holds the author's markup")
	}
	if !strings.Contains(annex.String(), `&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt; \| \*\*bold\*\* \[link\](https://evil.example) `+"\\`code\\`") {
		t.Error("the annex holds the author's markup")
	}
}

func TestNotesNameWhatASenderCanChoose(t *testing.T) {
	says := func(p *Policy) string {
		var b strings.Builder
		for _, n := range Notes(p) {
			b.WriteString(n.What + "\n")
		}
		return b.String()
	}
	all := says(parsed(t, "valid-every-domain.txtar"))
	for _, kind := range []string{"chooses the digits", "chooses the text", "told apart"} {
		if !strings.Contains(all, kind) {
			t.Errorf("no note says %q:\n%s", kind, all)
		}
	}
	if got := says(parsed(t, "valid-up-down.txtar")); got != "1 entry without an end: http.server.requests.\n" {
		t.Errorf("got %q", got)
	}
	p, err := Parse("p", bytes.Replace(bytes.Replace(design(t), []byte("interval: 60s"), []byte("interval: 60s\nexpires: 2027-06-30"), 1),
		[]byte("https://telemetry.acme.example"), []byte("http://127.0.0.1:4318"), 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := says(p); got != "Reports go to this machine itself, without encryption: http://127.0.0.1:4318.\n" {
		t.Errorf("got %q", got)
	}
}

// The two documents of the design's example are committed, so that a change of
// their words is read.
func TestDocumentsOfTheExample(t *testing.T) {
	p := parsed(t, "design.txtar")
	for name, write := range map[string]func(*bytes.Buffer) error{
		"design.html":     func(b *bytes.Buffer) error { return ExplainHTML(b, p) },
		"design-annex.md": func(b *bytes.Buffer) error { return Annex(b, p) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s differs (%v): run the test with -update and read the difference", name, err)
		}
	}
}
