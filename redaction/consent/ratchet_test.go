package consent

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// signal is one more entry of the sample.
func signal(name string) string {
	return `  - {name: ` + name + `, why: w, owner: o, category: health, kind: sum, unit: "1", value: {min: 0, max: 9, step: 1}}
`
}

// revision is the sample with another number and entries, each a whole line.
func revision(n string, entries ...string) string {
	return strings.Replace(sample, "revision: 1\n", "revision: "+n+"\n", 1) + strings.Join(entries, "")
}

// desk is one install: a data folder and the file that its edge runs under.
type desk struct {
	*testing.T
	data, file string
	now        time.Time
}

func newDesk(t *testing.T) *desk {
	return &desk{t, t.TempDir(), filepath.Join(t.TempDir(), "allowlist.yaml"), noon}
}

func (d *desk) put(text string) Decision {
	d.Helper()
	write(d.T, d.file, text)
	return d.resolve()
}

// resolve asks twice: the first answer may write something down, and must not
// be another than the second.
func (d *desk) resolve() Decision {
	d.Helper()
	first := Resolve(vfs.OS, d.data, d.file, d.now)
	second := Resolve(vfs.OS, d.data, d.file, d.now.Add(time.Minute))
	if first.State != second.State || first.Right != second.Right || first.Acceptance != second.Acceptance || first.Note != second.Note {
		d.Fatalf("asked twice:\n%+v\n%+v", first, second)
	}
	if first.State == Active && (first.Acceptance.Digest != first.Policy.Digest || first.Err != nil || (first.Note == "") != (first.Right == RightAccepted)) {
		d.Fatalf("active without a fitting acceptance or note: %+v", first)
	}
	if first.State != Active && (first.Right != "" || first.Note != "" || first.Pending != nil) {
		d.Fatalf("nothing leaves, and there is a right to it: %+v", first)
	}
	return first
}

func (d *desk) want(got Decision, right Right, names ...string) {
	d.Helper()
	if got.State != Active || got.Right != right {
		d.Fatalf("%s by %q: %v, want %q", got.State, got.Right, got.Err, right)
	}
	var have []string
	for _, s := range got.Policy.Signals {
		have = append(have, s.Name)
	}
	if strings.Join(have, " ") != strings.Join(names, " ") {
		d.Fatalf("in force are %v, want %v", have, names)
	}
}

func TestWhatOnlyNarrowsTakesEffectByItself(t *testing.T) {
	d := newDesk(t)
	accept(t, d.data, revision("3", signal("a"), signal("b")))
	got := d.put(revision("4", signal("a")))
	d.want(got, RightNarrowed, "a", "weir.heartbeat")
	if a := got.Acceptance; a.By != "weir" || a.Reason != "narrows revision 3" || !a.Own() || a.Digest != got.Policy.Digest {
		t.Errorf("the acceptance is %+v", a)
	}
	// What it took away does not come back by itself, though it was accepted once.
	got = d.put(revision("5", signal("a"), signal("b")))
	d.want(got, RightMeet, "a", "weir.heartbeat")
	if got.Pending == nil || got.Pending.Revision != 5 || got.Policy.Revision != 4 {
		t.Errorf("pending is %+v", got.Pending)
	}
	got = d.put(revision("6", signal("a")) + "# a remark\n")
	d.want(got, RightNarrowed, "a", "weir.heartbeat")
	if got.Acceptance.Reason != "lets out what revision 4 does" {
		t.Errorf("the reason is %q", got.Acceptance.Reason)
	}
}

func TestWhatWidensWaitsAndSharesWhatItMay(t *testing.T) {
	d := newDesk(t)
	base := accept(t, d.data, revision("3", signal("a"), signal("b")))
	// Nothing of the old one is lost: the old one itself stays in force.
	got := d.put(revision("4", signal("a"), signal("b"), signal("c")))
	d.want(got, RightMeet, "a", "b", "weir.heartbeat")
	if got.Policy.Digest != base.Digest || got.Acceptance != base || got.Pending.Revision != 4 {
		t.Errorf("in force is %s under %+v", got.Policy.Digest, got.Acceptance)
	}
	for _, say := range []string{"revision 4", "waits for acceptance", "revision 3", "weir policy accept " + d.file + " --by"} {
		if !strings.Contains(got.Note, say) {
			t.Errorf("%q does not say %q", got.Note, say)
		}
	}
	// One that also narrows runs as what both let out.
	widened := revision("5", signal("a"), signal("c"))
	got = d.put(widened)
	d.want(got, RightMeet, "a", "weir.heartbeat")
	want, err := policy.Meet(parse(t, revision("3", signal("a"), signal("b"))), parse(t, widened))
	if err != nil {
		t.Fatal(err)
	}
	a := got.Acceptance
	if got.Policy.Digest != want.Digest || a.By != "weir" || a.Base != base.Digest || a.With != policy.DigestOf([]byte(widened)) {
		t.Errorf("the meet is %s under %+v", got.Policy.Digest, a)
	}
	if p, same, err := Standing(vfs.OS, d.data, got.Policy.Digest); err != nil || same != a || p.Digest != a.Digest {
		t.Errorf("the meet does not stand: %v", err)
	}
	// A meet is nobody's revision: the next one is held against revision 3.
	got = d.put(revision("6", signal("b")))
	d.want(got, RightNarrowed, "b", "weir.heartbeat")

	widened = strings.Replace(widened, "revision: 5", "revision: 7", 1)
	accept(t, d.data, widened)
	got = d.put(widened)
	d.want(got, RightAccepted, "a", "c", "weir.heartbeat")
}

func TestAnOlderRevisionNeverTakesEffectByItself(t *testing.T) {
	d := newDesk(t)
	accept(t, d.data, revision("5", signal("a"), signal("b")))
	older := revision("4", signal("a"))
	got := d.put(older)
	d.want(got, RightMeet, "a", "weir.heartbeat")
	if !strings.Contains(got.Note, "--rollback") || !strings.Contains(got.Note, "older") {
		t.Errorf("the note is %q", got.Note)
	}
	if _, err := Accept(vfs.OS, d.data, parse(t, older), "Ada", "why", noon); !errors.Is(err, ErrRollback) {
		t.Fatalf("accepted: %v", err)
	}
	d.want(d.resolve(), RightMeet, "a", "weir.heartbeat")
	if _, err := (Word{By: "Ada", Reason: "why", Rollback: true}).Accept(vfs.OS, d.data, parse(t, older), noon); err != nil {
		t.Fatal(err)
	}
	d.want(d.resolve(), RightAccepted, "a", "weir.heartbeat")
	// From then on it is the one accepted last.
	d.want(d.put(revision("5", signal("a"))), RightNarrowed, "a", "weir.heartbeat")
}

func TestWithoutThePersonsWordWeirsOwnIsNone(t *testing.T) {
	d := newDesk(t)
	base := accept(t, d.data, revision("3", signal("a"), signal("b")))
	narrow := revision("4", signal("a"))
	d.want(d.put(narrow), RightNarrowed, "a", "weir.heartbeat")
	d.want(d.put(revision("5")), RightNarrowed, "weir.heartbeat") // follows from 4, which follows from 3
	meet := d.put(revision("6", signal("c"), strings.Replace(signal("a"), "max: 9", "max: 8", 1)))
	if err := os.Remove(AcceptanceFile(d.data, base.Digest)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{narrow, revision("5"), revision("6", signal("c"))} {
		if got := d.put(text); got.State != Unaccepted {
			t.Fatalf("taken back, and %s by %q", got.State, got.Right)
		}
	}
	if _, _, err := Standing(vfs.OS, d.data, meet.Policy.Digest); err == nil {
		t.Error("the meet stands without its base")
	}
	// A person's word for the same bytes stands by itself.
	mine := accept(t, d.data, narrow)
	if mine.Own() || mine.By == "weir" {
		t.Errorf("Weir's own was not replaced: %+v", mine)
	}
	d.want(d.put(narrow), RightAccepted, "a", "weir.heartbeat")
}

func TestTheRatchetIsClosedWhereItCannotBeSure(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(d *desk, a Acceptance)
		next  string
		state State
	}{
		"the accepted text is gone":    {func(d *desk, a Acceptance) { must(d.T, os.Remove(textFile(d.data, a.Digest))) }, revision("2"), Unaccepted},
		"the accepted text is another": {func(d *desk, a Acceptance) { write(d.T, textFile(d.data, a.Digest), revision("9", signal("z"))) }, revision("2"), Unaccepted},
		"an acceptance is broken": {func(d *desk, a Acceptance) {
			write(d.T, AcceptanceFile(d.data, policy.DigestOf(nil)), "{}")
		}, revision("2"), Unaccepted},
		"the accepted one has expired": {func(d *desk, _ Acceptance) { d.now = time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC) },
			strings.Replace(revision("2"), "2027-06-30", "2028-06-30", 1), Unaccepted},
		"the new one has expired": {func(*desk, Acceptance) {}, strings.Replace(revision("2"), "2027-06-30", "2027-02-28", 1), Expired},
		"the new one is broken":   {func(*desk, Acceptance) {}, revision("2") + "x: 1\n", Invalid},
		"nothing can be written": {func(d *desk, _ Acceptance) {
			must(d.T, os.RemoveAll(filepath.Join(d.data, "policy", "accept.lock")))
			must(d.T, os.Mkdir(filepath.Join(d.data, "policy", "accept.lock"), 0o755))
		}, revision("2"), Unaccepted},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			a := accept(t, d.data, sample)
			d.want(d.put(sample), RightAccepted, "weir.heartbeat")
			c.spoil(d, a)
			got := d.put(c.next)
			if got.State != c.state || got.Err == nil || strings.Contains(got.Err.Error(), "\n") {
				t.Errorf("%s by %q: %v", got.State, got.Right, got.Err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every step of taking effect by itself fails once: what was answered as active
// is active after a power cut too, and under the same digest.
func TestTheRatchetHoldsAfterAPowerCut(t *testing.T) {
	const data, file = "/data", "/etc/allowlist.yaml"
	for _, next := range []string{revision("2"), revision("2", signal("c"), strings.Replace(signal("a"), "max: 9", "max: 8", 1))} {
		for _, after := range []bool{false, true} {
			for step, whole := 0, false; !whole; step++ {
				m, n := memWithPolicy(t, file), 0
				if _, err := Accept(m, data, parse(t, revision("1", signal("a"))), "Ada", "reviewed", noon); err != nil {
					t.Fatal(err)
				}
				must(t, vfs.WriteFileAtomic(m, file, []byte(next), 0o644))
				must(t, m.SyncDir("/etc"))
				m.Inject = vfs.FailAt(step, after, errInjected, &n)
				answer := Resolve(m, data, file, noon)
				whole = n <= step
				m.Inject = nil
				disks := []*vfs.Mem{m.Crash()}
				for seed := range uint64(4) {
					disks = append(disks, m.CrashKeeping(rand.New(rand.NewPCG(seed, 5))))
				}
				for _, disk := range disks {
					d := Resolve(disk, data, file, noon)
					if d.State != Active || answer.State == Active && (d.Acceptance != answer.Acceptance || d.Right != answer.Right) {
						t.Fatalf("step %d, after %v: answered %s, then %s: %v", step, after, answer.State, d.State, d.Err)
					}
				}
				if whole && answer.State != Active {
					t.Fatal(answer.Err)
				}
			}
		}
	}
}
