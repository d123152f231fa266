package consent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// A remark changes the bytes and not what leaves: the accepted text stays in
// force, so that the fleet, which has that one, understands the reports.
func TestOtherWordsAreHeldToTheAcceptedText(t *testing.T) {
	d := newDesk(t)
	text := revision("3", signal("a"))
	base := accept(t, d.data, text)
	for _, same := range []string{
		text + "# a remark\n",
		strings.Replace(text, "why: w", "why: another reason", 1),
		strings.Replace(text, "vendor: acme\nrevision: 3\n", "revision: 3\nvendor: acme\n", 1),
		string(policy.Render(parse(t, text))),
	} {
		got := d.put(same)
		d.want(got, RightSame, "a", "weir.heartbeat")
		digest := policy.DigestOf([]byte(same))
		if got.Policy.Digest != base.Digest || got.Acceptance != base || string(got.Policy.Source) != text {
			t.Errorf("in force is %s under %+v", got.Policy.Digest, got.Acceptance)
		}
		if a := got.SameAs; got.Same.Digest != digest || a.Digest != digest || a.As != base.Digest || a.Base != base.Digest || a.By != "weir" {
			t.Errorf("the file is written down as %+v", a)
		}
		if kept, err := os.ReadFile(filepath.Join(d.data, "policy", digest.String()+".yaml")); err != nil || string(kept) != same {
			t.Errorf("its text is not kept: %v", err)
		}
	}
	// Other words are nobody's last revision.
	d.want(d.put(text+"# one more\n"), RightSame, "a", "weir.heartbeat")
	// With a number of its own it is a revision of its own, which the vendor has.
	got := d.put(strings.Replace(text, "revision: 3", "revision: 4", 1))
	d.want(got, RightNarrowed, "a", "weir.heartbeat")
	four := got.Policy.Digest
	got = d.put(strings.Replace(text, "revision: 3", "revision: 4", 1) + "# a remark\n")
	d.want(got, RightSame, "a", "weir.heartbeat")
	if got.Policy.Digest != four || got.SameAs.Base != base.Digest {
		t.Errorf("held to %s by %+v", got.Policy.Digest, got.SameAs)
	}
	// What that was held to is gone: then it is what it would have been without.
	must(t, os.Remove(AcceptanceFile(d.data, four)))
	d.want(d.resolve(), RightNarrowed, "a", "weir.heartbeat")
	// A person's word for the same bytes makes them a text of their own.
	mine := strings.Replace(text, "revision: 3", "revision: 4", 1) + "# a remark\n"
	accept(t, d.data, mine)
	if got := d.resolve(); got.Right != RightAccepted || got.Policy.Digest != policy.DigestOf([]byte(mine)) {
		t.Errorf("%s under %s", got.Right, got.Policy.Digest)
	}
}

func TestLookingWritesNothing(t *testing.T) {
	d := newDesk(t)
	accept(t, d.data, revision("3", signal("a"), signal("b")))
	before, err := os.ReadDir(filepath.Join(d.data, "policy"))
	must(t, err)
	for _, text := range []string{revision("3", signal("a"), signal("b")) + "#\n", revision("4", signal("a")), revision("5", signal("c")), revision("2")} {
		write(t, d.file, text)
		look := Rules{}.Look(vfs.OS, d.data, d.file, d.now)
		after, err := os.ReadDir(filepath.Join(d.data, "policy"))
		must(t, err)
		if len(after) != len(before) {
			t.Fatal("it wrote something down")
		}
		clone := newDesk(t)
		accept(t, clone.data, revision("3", signal("a"), signal("b")))
		if got := clone.put(text); got.State != look.State || got.Right != look.Right || got.Policy.Digest != look.Policy.Digest {
			t.Errorf("looked at it is %s by %q, then %s by %q", look.State, look.Right, got.State, got.Right)
		}
	}
}
