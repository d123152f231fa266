package configuration

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
)

const data = "/data"

var (
	noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	key  = []byte("key of the install")
)

func conf(interval string) map[string]any {
	return map[string]any{"exporters": map[string]any{"upstream": map[string]any{"interval": interval, "password": "hunter2"}}}
}

func quiet(Change) error { return nil }

func TestAChangeIsNoticedOnceAndKept(t *testing.T) {
	m := vfs.NewMem()
	var told []Change
	notice := func(interval string, at time.Time) State {
		s, err := Notice(m, data, key, conf(interval), at, func(c Change) error { told = append(told, c); return nil })
		require.NoError(t, err)
		return s
	}
	first := notice("60s", noon)
	require.Len(t, told, 1, "the first configuration is told too")
	require.Empty(t, told[0].Before)
	require.Equal(t, first, notice("60s", noon.Add(time.Hour)), "the same is no change")
	second := notice("5s", noon.Add(2*time.Hour))
	require.EqualValues(t, 1, second.Changes)
	require.Equal(t, noon.Add(2*time.Hour), second.Since)
	require.Len(t, told, 2)
	require.Equal(t, first.Hash, told[1].Before)
	require.Equal(t, second.Hash, told[1].After)
	list, err := Changes(m, data)
	require.NoError(t, err)
	require.Equal(t, told[1:], list)
	require.Equal(t, `@@ -1,4 +1,4 @@
 exporters:
     upstream:
-        interval: 60s
+        interval: 5s
         password: (hidden)
`, list[0].Diff)
	text, err := vfs.ReadFile(m, stateFile(data))
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")

	other, err := Notice(vfs.NewMem(), data, []byte("another install's"), conf("60s"), noon, quiet)
	require.NoError(t, err)
	require.NotEqual(t, first.Hash, other.Hash, "nobody can see that two installs are alike")
}

func TestOnlyTheNewestChangesAreKept(t *testing.T) {
	m := vfs.NewMem()
	for i := range Kept + 10 {
		_, err := Notice(m, data, key, conf(fmt.Sprint(i, "s")), noon.Add(time.Duration(i)*time.Minute), quiet)
		require.NoError(t, err)
	}
	list, err := Changes(m, data)
	require.NoError(t, err)
	require.Len(t, list, Kept)
	require.Equal(t, noon.Add((Kept+9)*time.Minute), list[0].At)
	state, err := InForce(m, data)
	require.NoError(t, err)
	require.EqualValues(t, Kept+9, state.Changes)
}

// Whatever step fails, the next start finds the change again, and what counts
// as seen has been told.
func TestAChangeIsNotLostInAPowerCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		for step := 0; ; step++ {
			m := vfs.NewMem()
			require.NoError(t, m.MkdirAll(data, 0o755))
			require.NoError(t, m.SyncDir("/"))
			_, err := Notice(m, data, key, conf("60s"), noon, quiet)
			require.NoError(t, err)
			n, told := 0, 0
			tell := func(c Change) error { told++; return nil }
			m.Inject = vfs.FailAt(step, after, errors.New("injected"), &n)
			_, err = Notice(m, data, key, conf("5s"), noon.Add(time.Hour), tell)
			whole := n <= step
			m.Inject = nil
			for seed := range uint64(4) {
				disk, before := m.CrashKeeping(rand.New(rand.NewPCG(seed, 9))), told
				s, again := Notice(disk, data, key, conf("5s"), noon.Add(2*time.Hour), tell)
				require.NoError(t, again, "step %d, after %v", step, after)
				require.EqualValues(t, 1, s.Changes, "step %d, after %v", step, after)
				require.True(t, told > before || before > 0, "step %d, after %v: seen, and nobody was told", step, after)
				list, lerr := Changes(disk, data)
				require.NoError(t, lerr)
				require.NotEmpty(t, list, "step %d, after %v: what changed is not kept", step, after)
			}
			if whole {
				require.NoError(t, err)
				break
			}
		}
	}
	m := vfs.NewMem()
	_, err := Notice(m, data, key, conf("60s"), noon, func(Change) error { return fs.ErrInvalid })
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = InForce(m, data)
	require.ErrorIs(t, err, fs.ErrNotExist, "what was not recorded does not count as seen")
}

func TestSecretsAreHidden(t *testing.T) {
	text, err := Text(map[string]any{
		"url": "https://me:hunter2@logs.example/push", "headers": map[string]any{"X-Scope": "hunter2"},
		"token": "hunter2", "clients": []any{"http://a:hunter2@b"}, "api_key": []any{"hunter2"},
		"auth": map[string]any{"enabled": true, "empty": ""}, "timeout": "5s",
	})
	require.NoError(t, err)
	require.NotContains(t, text, "hunter2")
	for _, say := range []string{"timeout: 5s", "enabled: true", `empty: ""`, "logs.example"} {
		require.Contains(t, text, say)
	}
}

// The law of a diff: what goes and stays is the text before, what comes and
// stays the text after.
func TestADiffHoldsBothTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		text := func() []string {
			lines := make([]string, r.IntN(12))
			for i := range lines {
				lines[i] = string(rune('a' + r.IntN(4)))
			}
			return lines
		}
		before, after := text(), text()
		var got [2][]string
		for _, l := range compare(before, after) {
			if l.mark != '+' {
				got[0] = append(got[0], l.text)
			}
			if l.mark != '-' {
				got[1] = append(got[1], l.text)
			}
		}
		require.Equal(t, strings.Join(before, ""), strings.Join(got[0], ""))
		require.Equal(t, strings.Join(after, ""), strings.Join(got[1], ""))
	}
	long := make([]string, 3000)
	for i := range long {
		long[i] = fmt.Sprint(i)
	}
	require.Len(t, compare(append([]string{"x"}, long...), append([]string{"y"}, append(long[1:], "z")...)), 6002, "too much for a table goes and comes")
}

func TestHunksAreThoseOfDiffU(t *testing.T) {
	before := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\n"
	after := "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nn\no\np\n"
	require.Equal(t, `@@ -1,5 +1,5 @@
 a
-b
+B
 c
 d
 e
@@ -10,6 +10,6 @@
 j
 k
 l
-m
 n
 o
+p
`, unified(before, after))
	require.Empty(t, unified(before, before))
}
