package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/identity"
)

// deaf sends requests and hears no answer.
type deaf struct{ http.RoundTripper }

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return nil, errors.New("the connection broke")
}

func TestALostAnswerDoesNotCostTheToken(t *testing.T) {
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	for round := range rounds {
		tok := f.token("acme", urls[round%2], time.Hour)
		o := f.options()
		kept := filepath.Join(o.Data, "identity", "enrolling.pem")
		broken := o
		broken.Client = func(c *tls.Config) *http.Client {
			return &http.Client{Transport: deaf{&http.Transport{TLSClientConfig: c}}}
		}
		for range 3 {
			_, err := identity.Enroll(context.Background(), tok.Text(), broken)
			require.ErrorContains(t, err, "the connection broke")
			info, err := os.Stat(kept)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		// It is used up for everybody else.
		_, err := identity.Enroll(context.Background(), tok.Text(), f.options())
		assertRefused(t, err, identity.TokenUsed)

		e, err := identity.Enroll(context.Background(), tok.Text(), o)
		require.NoError(t, err)
		require.Equal(t, o.Install, e.Install)
		require.NoFileExists(t, kept)
		again, err := identity.Load(o.FS, o.Data)
		require.NoError(t, err)
		require.Equal(t, e.Cert.Leaf.Raw, again.Cert.Leaf.Raw)
	}
}

func TestABrokenKeyToEnrolWithIsReplaced(t *testing.T) {
	f := newFleet(t)
	url := f.gateway(nil)
	for _, text := range []string{"", "noise", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		o := f.options()
		require.NoError(t, os.WriteFile(filepath.Join(o.Data, "identity", "enrolling.pem"), []byte(text), 0o600))
		_, err := identity.Enroll(context.Background(), f.token("acme", url, time.Hour).Text(), o)
		require.NoError(t, err)
	}
}
