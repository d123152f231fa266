package consent

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func (d *desk) refuse(text string) (Refusal, []Refusal) {
	d.Helper()
	var told []Refusal
	r, err := Refuse(vfs.OS, d.data, parse(d.T, text), "Rosa", "too much", noon, func(r Refusal) error {
		told = append(told, r)
		return nil
	})
	if err != nil {
		d.Fatal(err)
	}
	return r, told
}

// A refusal lets nothing more out than before, and nobody is waited for.
func TestARefusedRevisionStaysOutOfForce(t *testing.T) {
	d := newDesk(t)
	first, wider := revision("1", signal("a")), revision("2", signal("a"), signal("b"))
	r, told := d.refuse(first)
	if len(told) != 1 || told[0] != r || r.Order != 1 || r.Revision != 1 {
		t.Errorf("refused %+v, told %+v", r, told)
	}
	got := d.put(first)
	if got.State != Unaccepted || got.Refusal != r || got.Waiting() != nil || !strings.Contains(got.Err.Error(), "was refused by Rosa on 2027-03-01: 'weir policy accept ") {
		t.Fatalf("%s: %v", got.State, got.Err)
	}
	accept(t, d.data, first)
	d.want(d.put(first), RightAccepted, "a", "weir.heartbeat")
	before := d.put(wider)
	d.want(before, RightMeet, "a", "weir.heartbeat")
	if before.Waiting() == nil {
		t.Error("nothing waits")
	}
	r, _ = d.refuse(wider)
	after := d.resolve()
	d.want(after, RightMeet, "a", "weir.heartbeat")
	if after.Policy.Digest != before.Policy.Digest || after.Refusal != r || after.Waiting() != nil || !strings.Contains(after.Note, "was refused by Rosa on 2027-03-01; what it shares with revision 1 leaves") {
		t.Errorf("after the refusal: %+v", after)
	}
	if again, told := d.refuse(wider); again != r || len(told) != 0 {
		t.Errorf("a second refusal is %+v, told %v", again, told)
	}
	held, err := Refusals(vfs.OS, d.data)
	if err != nil || len(held) != 1 || held[0] != r {
		t.Errorf("the list is %+v, %v", held, err)
	}
	if p, err := Text(vfs.OS, d.data, r.Digest); err != nil || string(p.Source) != wider {
		t.Errorf("the refused text cannot be read: %v", err)
	}

	// A person's later word holds, and what is in force is taken back, not refused.
	accept(t, d.data, wider)
	d.want(d.resolve(), RightAccepted, "a", "b", "weir.heartbeat")
	if held, err := Refusals(vfs.OS, d.data); err != nil || len(held) != 0 {
		t.Errorf("the list is %+v, %v", held, err)
	}
	tell := func(Refusal) error { return nil }
	if _, err := Refuse(vfs.OS, d.data, parse(t, wider), "Rosa", "no", noon, tell); !errors.Is(err, ErrAccepted) {
		t.Errorf("what is accepted was refused: %v", err)
	}
	d.revoke(wider)
	if again, told := d.refuse(wider); again.Order <= r.Order || len(told) != 1 {
		t.Errorf("refused after it was taken back: %+v, told %v", again, told)
	}
}

// What only narrows would take effect by itself: not against a person's word.
// What leaves then is what both let out, which is no more.
func TestARefusedRevisionDoesNotNarrowByItself(t *testing.T) {
	d := newDesk(t)
	wide, narrow := revision("1", signal("a"), signal("b")), revision("2", signal("a"))
	accept(t, d.data, wide)
	d.refuse(narrow)
	got := d.put(narrow)
	d.want(got, RightMeet, "a", "weir.heartbeat")
	if got.Policy.Digest == policy.DigestOf([]byte(narrow)) {
		t.Error("the refused revision is in force")
	}

	// Nor does one that had taken effect and lost its base meanwhile.
	d = newDesk(t)
	accept(t, d.data, wide)
	d.want(d.put(narrow), RightNarrowed, "a", "weir.heartbeat")
	if _, err := Revoke(vfs.OS, d.data, policy.DigestOf([]byte(wide)), "Bob", "pause", noon); err != nil {
		t.Fatal(err)
	}
	d.refuse(narrow)
	accept(t, d.data, wide)
	d.want(d.resolve(), RightMeet, "a", "weir.heartbeat")
}

func TestARefusalSaysWhoAndWhyAndIsReadAsItWasWritten(t *testing.T) {
	d := newDesk(t)
	text := revision("1", signal("a"))
	tell := func(Refusal) error { return nil }
	for _, said := range [][2]string{{"", "why"}, {"who", " "}, {"who", "two\nlines"}, {strings.Repeat("x", MaxBy+1), "why"}} {
		if _, err := Refuse(vfs.OS, d.data, parse(t, text), said[0], said[1], noon, tell); err == nil {
			t.Errorf("%q refused it", said)
		}
	}
	untold := errors.New("untold")
	if _, err := Refuse(vfs.OS, d.data, parse(t, text), "Rosa", "no", noon, func(Refusal) error { return untold }); !errors.Is(err, untold) {
		t.Errorf("refused without a record: %v", err)
	}
	if held, err := Refusals(vfs.OS, d.data); err != nil || len(held) != 0 {
		t.Errorf("what was not recorded holds: %+v, %v", held, err)
	}
	accept(t, d.data, text)
	d.want(d.put(text), RightAccepted, "a", "weir.heartbeat")
	if err := os.WriteFile(RefusalFile(d.data, policy.DigestOf([]byte(text))), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := d.resolve(); got.State != Unaccepted || !strings.Contains(got.Err.Error(), "not the JSON that Weir wrote") {
		t.Errorf("%s: %v", got.State, got.Err)
	}
}

// What was answered with success is refused on the next boot, text and all,
// and had been told; what was not can be tried again.
func TestARefusalIsWholeOrAbsentAfterAPowerCut(t *testing.T) {
	const data, file = "/data", "/etc/allowlist.yaml"
	p := parse(t, sample)
	for _, after := range []bool{false, true} {
		for step := 0; ; step++ {
			m, n, told := memWithPolicy(t, file), 0, 0
			m.Inject = vfs.FailAt(step, after, errInjected, &n)
			tell := func(Refusal) error { told++; return nil }
			_, err := Refuse(m, data, p, "Rosa", "too much", noon, tell)
			whole := n <= step
			m.Inject = nil
			disks := []*vfs.Mem{m.Crash()}
			for seed := range uint64(8) {
				disks = append(disks, m.CrashKeeping(rand.New(rand.NewPCG(seed, 5))))
			}
			for _, disk := range disks {
				d := Resolve(disk, data, file, noon)
				refused := d.Refusal != Refusal{}
				switch {
				case d.State != Unaccepted:
					t.Fatalf("step %d, after %v: %s: %v", step, after, d.State, d.Err)
				case err == nil && !refused:
					t.Fatalf("step %d, after %v: success was answered, and nothing is refused", step, after)
				case refused && told == 0:
					t.Fatalf("step %d, after %v: refused without a word to the record", step, after)
				case refused:
					if _, err := Text(disk, data, p.Digest); err != nil {
						t.Fatalf("step %d, after %v: refused without its text: %v", step, after, err)
					}
				}
				if _, err := Refuse(disk, data, p, "Rosa", "too much", noon, tell); err != nil {
					t.Fatalf("step %d, after %v: the next try fails: %v", step, after, err)
				}
			}
			if whole {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
}
