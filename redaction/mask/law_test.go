package mask_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weir-telemetry/weir/redaction/mask"
	"github.com/weir-telemetry/weir/redaction/mask/referee"
)

func masker(t testing.TB, o mask.Options) *mask.Masker {
	t.Helper()
	m, err := mask.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// laws holds a line against all that the package promises of one line.
func laws(t *testing.T, m *mask.Masker, rules []referee.Rule, line []byte) {
	t.Helper()
	out := m.Append(nil, line)
	if again := m.Append(nil, out); !bytes.Equal(again, out) {
		t.Fatalf("masking twice changes\n%q\n%q\n%q", line, out, again)
	}
	if s, changed := m.String(string(line), nil); s != string(out) || changed == m.Clean(line) || changed == bytes.Equal(line, out) {
		t.Fatalf("String, Clean and Append disagree on %q", line)
	}
	if utf8.Valid(line) && !utf8.Valid(out) {
		t.Fatalf("not UTF-8 any more: %q to %q", line, out)
	}
	for _, s := range referee.Find(rules, out) {
		if bytes.ContainsAny(out[s.Start:s.End], "<>") && s.Family == mask.Secret {
			continue // a value that is a constant and what is beside it
		}
		t.Fatalf("the referee finds a %s in %q, out of %q", s.Family, out, line)
	}
	ours := m.Stretches(line)
	for _, s := range referee.Find(rules, line) {
		covered(t, line, ours, s)
	}
	overmasked(t, rules, line, ours)
	unchanged(t, m, line, out, ours)
}

// covered: all that the referee finds is masked, but for hosts of mails that
// are a connection's, and for what begins inside of something else.
func covered(t *testing.T, line []byte, ours []mask.Stretch, s referee.Span) {
	t.Helper()
	for _, o := range ours {
		if o.Start <= s.Start && s.End <= o.End || o.Start <= s.Start && s.Start < o.End {
			return
		}
		if s.Family == mask.Mail && o.Family == mask.Connection && o.Start < s.End && s.Start < o.End {
			return
		}
	}
	t.Fatalf("missed the %s %q in %q", s.Family, line[s.Start:s.End], line)
}

// wider are the families that take more than the referee knows of, each with the
// reason. What any other family takes, the referee finds too.
var wider = map[mask.Family]string{
	mask.Mail:       "a top level of letters beyond ASCII",
	mask.CloudKey:   "more issuers than the referee has, and keys shorter than they make them",
	mask.PrivateKey: "labels in small letters and with dashes",
	mask.Connection: "a long token without a password, as a DSN has",
	mask.Secret:     "XML elements, objects and arrays, single quotes and backquotes, values with brackets in them",
	mask.Credential: "what a key's name and the word bearer with an equals sign hold",
}

// overmasked: what is masked is found by the referee, or it is listed why not.
func overmasked(t *testing.T, rules []referee.Rule, line []byte, ours []mask.Stretch) {
	t.Helper()
	theirs := referee.Find(rules, line)
	for _, o := range ours {
		if wider[o.Family] == "" && !slices.ContainsFunc(theirs, func(s referee.Span) bool { return s.Start < o.End && o.Start < s.End }) {
			t.Fatalf("took %q for a %s in %q", line[o.Start:o.End], o.Family, line)
		}
	}
}

// unchanged: after one look the line is as it was but for constants, which may
// have a quote around; and that is all, unless a second look found more.
func unchanged(t *testing.T, m *mask.Masker, line, out []byte, ours []mask.Stretch) {
	t.Helper()
	once := m.Once(line)
	if len(m.Stretches(once)) == 0 && !bytes.Equal(once, out) {
		t.Fatalf("%q became %q instead of %q", line, out, once)
	}
	at := 0
	for _, o := range ours {
		if o.Start < at || o.End <= o.Start || o.End > len(line) {
			t.Fatalf("stretches out of order: %v in %q", ours, line)
		}
		rest, ok := bytes.CutPrefix(once, line[at:o.Start])
		quote := ""
		for _, q := range []string{`\"`, `"`} {
			if quote == "" && bytes.HasPrefix(rest, []byte(q+"<")) {
				quote = q
			}
		}
		constant := quote + o.Family.Constant() + quote
		if !ok || !bytes.HasPrefix(rest, []byte(constant)) {
			t.Fatalf("%q became %q", line, m.Once(line))
		}
		once = rest[len(constant):]
		at = o.End
	}
	if !bytes.Equal(once, line[at:]) {
		t.Fatalf("%q became %q", line, m.Once(line))
	}
}

func TestTheRefereeFindsNothingThatWasMissed(t *testing.T) {
	m, rules := masker(t, mask.Options{}), referee.For()
	r := rand.New(rand.NewPCG(1, 2))
	for range 12_000 {
		laws(t, m, rules, []byte(soup(r)))
	}
}

func FuzzLaws(f *testing.F) {
	m, rules := masker(f, mask.Options{}), referee.For()
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		f.Add([]byte(soup(r)))
	}
	f.Fuzz(func(t *testing.T, line []byte) { laws(t, m, rules, line) })
}

// Each family alone finds its own canaries wherever they stand.
func TestNoCanaryOfAnyFamilyIsInTheOutput(t *testing.T) {
	everything := masker(t, mask.Options{})
	r := rand.New(rand.NewPCG(5, 6))
	for family := range mask.Families {
		alone := masker(t, mask.Options{Families: []mask.Family{family}})
		for range 2000 {
			text, part := canary(r, family)
			for _, around := range [][2]string{{"", ""}, {"a ", " b"}, {`{"x":"`, `"}`}, {"x=", " y=1"}, {"(", ")"}, {"\t", "\n"}, {`msg="`, `"`}, {strings.Repeat("word ", 30), ", end"}} {
				line := around[0] + text + around[1]
				for _, m := range []*mask.Masker{everything, alone} {
					if out := string(m.Append(nil, []byte(line))); strings.Contains(out, part) {
						t.Fatalf("%s: %q became %q", family, line, out)
					}
				}
			}
		}
	}
}

// What stands outside of what is found is passed on byte for byte, however many
// finds there are and wherever they meet.
func TestWhatIsNotFoundIsUnchanged(t *testing.T) {
	m := masker(t, mask.Options{})
	r := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		var in, want strings.Builder
		for range r.IntN(30) {
			word := " [" + pick(r, "abcdefghijklmno", 1+r.IntN(8)) + "] "
			in.WriteString(word)
			want.WriteString(word)
			f := []mask.Family{mask.Mail, mask.Card, mask.IBAN, mask.NationalID, mask.IP, mask.JWT, mask.CloudKey, mask.PrivateKey}[r.IntN(8)]
			text, _ := canary(r, f)
			in.WriteString(text)
			want.WriteString(f.Constant())
		}
		if got := string(m.Append([]byte("kept "), []byte(in.String()))); got != "kept "+want.String() {
			t.Fatalf("%q\n got %q\nwant %q", in.String(), got, want.String())
		}
	}
}

// Lines are masked alike alone and in one record. A private key or an object
// may go over lines: they are left out.
func TestSplittingARecordIntoLinesDoesNotMatter(t *testing.T) {
	m := masker(t, mask.Options{})
	r := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		a, b := soup(r), soup(r)
		if strings.Contains(a+b, "BEGIN") || strings.ContainsAny(a+b, "{[") {
			continue
		}
		whole := string(m.Append(nil, []byte(a+"\n"+b)))
		if parts := string(m.Append(nil, []byte(a))) + "\n" + string(m.Append(nil, []byte(b))); whole != parts {
			t.Fatalf("%q and %q\nwhole %q\nparts %q", a, b, whole, parts)
		}
	}
}

func TestTheCustomersKeysAndPathsAreMasked(t *testing.T) {
	m := masker(t, mask.Options{Families: []mask.Family{mask.Mail}, Keys: []string{"Customer", "user.street", "cards.#.number", "all.it", "id"}})
	for _, c := range []struct{ in, out string }{
		{`{"user":{"street":"High \"st\" 1","x":1},"street":"kept"}`, `{"user":{"street":"<hidden>","x":1},"street":"kept"}`},
		{`{"cards":[{"number":12},{"number":"34"}],"n":[12]}`, `{"cards":[{"number":"<hidden>"},{"number":"<hidden>"}],"n":[12]}`},
		{`{"all":{"it":{"a":[1,2]}},"b":2}`, `{"all":{"it":"<hidden>"},"b":2}`},
		{`customer=bob CUSTOMER: "bob x" customers=2 mycustomer=3`, `customer=<hidden> CUSTOMER: "<hidden>" customers=2 mycustomer=3`},
		{`id=7 pid=8 {"id" : 7}`, `id=<hidden> pid=8 {"id" : "<hidden>"}`},
		{`not json user.street`, `not json user.street`},
	} {
		if got := string(m.Append(nil, []byte(c.in))); got != c.out {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.out)
		}
		if again := string(m.Append(nil, []byte(c.out))); again != c.out {
			t.Errorf("twice: %s", again)
		}
	}
}

func TestAllFaultsOfTheKeysAreSaid(t *testing.T) {
	_, err := mask.New(mask.Options{Keys: []string{"a", "x=y", "a.@b", "a..b", "123", "fine"}})
	if err == nil {
		t.Fatal("no error")
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 5 {
		t.Errorf("%d faults: %v", n, err)
	}
}
