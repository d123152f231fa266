package consent

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func (d *desk) revoke(text string) []Revocation {
	d.Helper()
	list, err := Revoke(vfs.OS, d.data, policy.DigestOf([]byte(text)), "Bob", "changed our mind", noon)
	if err != nil {
		d.Fatal(err)
	}
	return list
}

func TestWhatIsTakenBackLetsNothingOut(t *testing.T) {
	d := newDesk(t)
	older, text := revision("1", signal("a")), revision("2", signal("a"), signal("b"))
	accept(t, d.data, older)
	accept(t, d.data, text)
	d.want(d.put(text), RightAccepted, "a", "b", "weir.heartbeat")
	list := d.revoke(text)
	if len(list) != 1 || list[0].By != "Bob" || list[0].Order != 3 {
		t.Errorf("taken back: %+v", list)
	}
	// Not even what it shares with the one before, which still holds.
	got := d.resolve()
	if got.State != Unaccepted || got.Revocation != list[0] || got.Waiting() != nil || !strings.Contains(got.Err.Error(), "was taken back by Bob on 2027-03-01: 'weir policy accept ") {
		t.Fatalf("%s: %v", got.State, got.Err)
	}
	if held, err := Revocations(vfs.OS, d.data); err != nil || len(held) != 1 || held[0] != list[0] {
		t.Errorf("the list is %+v, %v", held, err)
	}
	if _, _, err := Standing(vfs.OS, d.data, policy.DigestOf([]byte(text))); err == nil {
		t.Error("what waits to be sent may leave")
	}
	d.want(d.put(older), RightAccepted, "a", "weir.heartbeat")
	if _, err := Revoke(vfs.OS, d.data, policy.DigestOf([]byte(text)), "Bob", "again", noon); !errors.Is(err, ErrNotAccepted) {
		t.Errorf("taken back twice: %v", err)
	}
	// A person's new word holds, and the old one is no word against it.
	again := accept(t, d.data, text)
	if again.Order != 4 {
		t.Errorf("accepted again as number %d", again.Order)
	}
	d.want(d.put(text), RightAccepted, "a", "b", "weir.heartbeat")
	if held, err := Revocations(vfs.OS, d.data); err != nil || len(held) != 0 {
		t.Errorf("the list is %+v, %v", held, err)
	}
}

// What took effect by itself would do so again after the next remark; so the
// word that it follows from goes with it.
func TestTakingBackWhatFollowedTakesBackTheWord(t *testing.T) {
	for _, next := range []string{revision("4", signal("a")), revision("3", signal("a"), signal("b")) + "# a remark\n"} {
		d := newDesk(t)
		base := accept(t, d.data, revision("3", signal("a"), signal("b")))
		if got := d.put(next); got.State != Active {
			t.Fatal(got.Err)
		}
		if list := d.revoke(next); len(list) != 2 || list[1].Digest != base.Digest {
			t.Fatalf("taken back: %+v", list)
		}
		for _, text := range []string{next, next + "# another\n", revision("3", signal("a"), signal("b"))} {
			if got := d.put(text); got.State != Unaccepted {
				t.Errorf("%s by %q", got.State, got.Right)
			}
		}
	}
}

func TestABrokenRevocationIsOneThatHolds(t *testing.T) {
	d := newDesk(t)
	a := accept(t, d.data, sample)
	for _, text := range []string{"", "{}", `{"digest":"` + a.Digest.String() + `"}`} {
		write(t, RevocationFile(d.data, a.Digest), text)
		got := d.put(sample)
		if got.State != Unaccepted || !strings.Contains(got.Err.Error(), "nothing leaves while it is there") {
			t.Errorf("%q: %s, %v", text, got.State, got.Err)
		}
	}
}

// Every step fails once: what was answered as taken back stays so, and in
// between an acceptance holds or it does not.
func TestARevocationHoldsAfterAPowerCut(t *testing.T) {
	const data, file = "/data", "/etc/allowlist.yaml"
	digest := policy.DigestOf([]byte(sample))
	for _, after := range []bool{false, true} {
		for step, whole := 0, false; !whole; step++ {
			m, n := memWithPolicy(t, file), 0
			if _, err := Accept(m, data, parse(t, sample), "Ada", "reviewed", noon); err != nil {
				t.Fatal(err)
			}
			m.Inject = vfs.FailAt(step, after, errInjected, &n)
			_, err := Revoke(m, data, digest, "Bob", "changed our mind", noon)
			whole = n <= step
			m.Inject = nil
			disks := []*vfs.Mem{m.Crash()}
			for seed := range uint64(8) {
				disks = append(disks, m.CrashKeeping(rand.New(rand.NewPCG(seed, 7))))
			}
			for _, disk := range disks {
				d := Resolve(disk, data, file, noon)
				if d.State != Unaccepted && (err == nil || d.State != Active) {
					t.Fatalf("step %d, after %v: answered %v, then %s: %v", step, after, err, d.State, d.Err)
				}
			}
			if whole && err != nil {
				t.Fatal(err)
			}
		}
	}
}
