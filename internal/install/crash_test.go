package install

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
)

var errInjected = errors.New("injected")

// Every step fails once before and once after it took hold. Either Load hands
// out an identity that every later start finds again, or it hands out none.
func TestAnIdentityOnceHandedOutSurvivesAPowerCut(t *testing.T) {
	const data = "/var/lib/weir"
	for _, after := range []bool{false, true} {
		for step := 0; ; step++ {
			m, n := vfs.NewMem(), 0
			m.Inject = vfs.FailAt(step, after, errInjected, &n)
			first, err := Load(m, data)
			if n <= step { // no such step: the run was whole
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			m.Inject = nil
			second, serr := Load(m, data) // the same boot tries again
			if serr != nil {
				t.Fatalf("step %d, after %v: the next try fails: %v", step, after, serr)
			}
			if err == nil && first.ID != second.ID {
				t.Fatalf("step %d, after %v: handed out %s, then %s", step, after, first.ID, second.ID)
			}
			for seed := range uint64(8) {
				third, terr := Load(m.CrashKeeping(rand.New(rand.NewPCG(seed, 1))), data)
				if terr != nil || third.ID != second.ID {
					t.Fatalf("step %d, after %v: %s was handed out, the next boot has %s, %v", step, after, second.ID, third.ID, terr)
				}
			}
		}
	}
}

// A power cut in the middle leaves nothing or the whole, never a broken file
// that stops every later start.
func TestAPowerCutNeverLeavesABrokenIdentity(t *testing.T) {
	const data = "/var/lib/weir"
	for step := 0; ; step++ {
		m, n := vfs.NewMem(), 0
		var crashed []*vfs.Mem
		m.Inject = func(op vfs.Op) error {
			if n++; n == step+1 {
				return errInjected
			}
			return nil
		}
		_, _ = Load(m, data)
		if n <= step {
			break
		}
		m.Inject = nil
		crashed = append(crashed, m.Crash())
		for seed := range uint64(16) {
			crashed = append(crashed, m.CrashKeeping(rand.New(rand.NewPCG(seed, 2))))
		}
		for _, c := range crashed {
			if _, err := Load(c, data); err != nil {
				t.Fatalf("cut at step %d: the next start fails: %v", step, err)
			}
		}
	}
}
