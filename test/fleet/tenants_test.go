package fleet

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// A thousand installs of a hundred customers, each with a certificate of its own,
// one in ten of them hostile. What is stored for each is exactly what it has
// sent of itself.
func TestAThousandInstallsNeverMix(t *testing.T) {
	const (
		installs = 1000
		reports  = 3
		workers  = 16
	)
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	a := f.authority()
	forger, err := ca.Open(vfs.OS, t.TempDir(), time.Now())
	require.NoError(t, err)
	peer := func(n int) identity.Peer {
		return identity.Peer{Install: id(n), Customer: "customer" + string(rune('a'+n%26)), Enrolment: "e"}
	}
	// Numbers that say whose they are.
	value := func(n, k int) float64 { return float64(n*1000 + k) }
	hostile := func(n int) bool { return n%10 == 3 }

	// attacks are one hostile install's, against another's name.
	attacks := func(c *http.Client, url string, n int) []int {
		victim := rand.IntN(installs)
		if victim == n {
			victim = (n + 1) % installs
		}
		theirs := report(id(victim), 1, value(victim, 1))
		forged := issued(t, forger, peer(victim), time.Now())
		var codes []int
		try := func(c *http.Client, body []byte, header ...string) {
			code, _, _ := send(c, url+"/v1/metrics", body, header...)
			codes = append(codes, code)
		}
		try(c, theirs)                             // another's bytes
		try(c, report(id(victim), 9, 666))         // another's name
		try(f.client(forged), theirs)              // another's name and certificate
		try(f.client(), theirs)                    // nobody's
		try(c, bytes.Repeat([]byte("x"), 5<<20))   // huge
		try(c, []byte("\x0a\xff\xff\xff\xff\x0f")) // garbage that claims a length
		try(c, theirs, "Content-Encoding", "gzip", "X-Install", id(victim))
		// Another's report in one body with its own.
		try(c, append(report(id(n), 9, 666), theirs...))
		// Its own with another's id spelled inside.
		try(c, bytes.ReplaceAll(report(id(n), 9, 666), []byte("requests"), []byte(id(victim)[:8])))
		return codes
	}

	jobs := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := range jobs {
				c := f.client(issued(t, a, peer(n), time.Now()))
				for k := 1; k <= reports; k++ {
					url := urls[(n+k)%2]
					if hostile(n) && k == 2 {
						for i, code := range attacks(c, url, n) {
							if code == 200 {
								t.Errorf("attack %d of install %d was taken", i, n)
							}
						}
					}
					if code, text, _ := send(c, url+"/v1/metrics", report(id(n), k, value(n, k))); code != 200 {
						t.Errorf("install %d: %d %s", n, code, text)
					}
				}
				c.CloseIdleConnections()
			}
		})
	}
	for _, n := range rand.Perm(installs) {
		jobs <- n
	}
	close(jobs)
	wg.Wait()

	assert.Len(t, f.store.samples, installs)
	for n := range installs {
		want := map[int]float64{}
		for k := 1; k <= reports; k++ {
			want[k] = value(n, k)
		}
		require.Equal(t, want, f.store.samples[id(n)], "install %d", n)
	}
	assert.Zero(t, f.store.again)
}
