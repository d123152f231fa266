package consent

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
)

var errInjected = errors.New("injected")

// Every step of an acceptance fails once, before it took hold and after, with
// a power cut behind it. What was answered with success is accepted on the
// next boot; what was not is either accepted, text and all, or simply not.
func TestAnAcceptanceIsWholeOrAbsentAfterAPowerCut(t *testing.T) {
	const data, file = "/data", "/etc/allowlist.yaml"
	p := parse(t, sample)
	for _, after := range []bool{false, true} {
		for step := 0; ; step++ {
			m, n := memWithPolicy(t, file), 0
			m.Inject = vfs.FailAt(step, after, errInjected, &n)
			_, err := Accept(m, data, p, "Ada", "reviewed", noon)
			whole := n <= step
			m.Inject = nil
			disks := []*vfs.Mem{m.Crash()}
			for seed := range uint64(8) {
				disks = append(disks, m.CrashKeeping(rand.New(rand.NewPCG(seed, 3))))
			}
			for _, disk := range disks {
				d := Resolve(disk, data, file, noon)
				switch {
				case err == nil && d.State != Active:
					t.Fatalf("step %d, after %v: success was answered, then %s: %v", step, after, d.State, d.Err)
				case d.State != Active && d.State != Unaccepted:
					t.Fatalf("step %d, after %v: %s: %v", step, after, d.State, d.Err)
				case d.State == Active:
					text, rerr := vfs.ReadFile(disk, "/data/policy/"+p.Digest.String()+".yaml")
					if rerr != nil || string(text) != sample {
						t.Fatalf("step %d, after %v: accepted without its text: %v", step, after, rerr)
					}
				}
				if _, aerr := Accept(disk, data, p, "Ada", "reviewed", noon); aerr != nil {
					t.Fatalf("step %d, after %v: the next try fails: %v", step, after, aerr)
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

func memWithPolicy(t *testing.T, file string) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	if err := m.MkdirAll("/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFileAtomic(m, file, []byte(sample), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := m.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	return m
}
