package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/vfs"
)

const fleetEnrollUsage = "[--json] CUSTOMER --url URL [--expires 24h] [--ca FILE | --public-ca]"

// maxTokenLife is a month: a token is a key that lies around.
const maxTokenLife = 31 * 24 * time.Hour

// fleetEnrollAnswer is the JSON of fleet enroll. Its keys are stable.
type fleetEnrollAnswer struct {
	Token    string    `json:"token"`
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	URL      string    `json:"url"`
	Expires  time.Time `json:"expires"`
	Pin      string    `json:"pin,omitempty"` // SHA-256 of the authority's key
	Verifier string    `json:"verifier"`      // of receipts
}

func runFleetEnroll(e env, args []string) int {
	var asJSON, public bool
	var base, caFile string
	life := 24 * time.Hour
	names, err := parseArgs("fleet enroll", fleetEnrollUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.BoolVar(&public, "public-ca", false, "")
		fs.StringVar(&base, "url", e.getenv("WEIR_FLEET_URL"), "")
		fs.StringVar(&caFile, "ca", "", "")
		fs.DurationVar(&life, "expires", life, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(names) != 1 || (public && caFile != "") {
		return e.fail(fmt.Errorf("%w: usage: weir fleet enroll %s", errUsage, fleetEnrollUsage))
	}
	if base == "" {
		return e.fail(fmt.Errorf("%w: --url (or WEIR_FLEET_URL) is where the fleet takes reports, as the policy's destination says it", errUsage))
	}
	if life <= 0 || life > maxTokenLife {
		return e.fail(fmt.Errorf("%w: --expires is a time from now, up to 744h", errUsage))
	}
	now := time.Now()
	authority, err := ca.Open(vfs.OS, e.fleetState(), now)
	if err != nil {
		return e.fail(err)
	}
	pin := authority.Pin()
	switch {
	case public:
		pin = nil
	case caFile != "":
		if pin, err = pinOf(caFile); err != nil {
			return e.fail(err)
		}
	}
	t, err := token.NewRandom(names[0], base, pin, now.Add(life))
	if err != nil {
		return e.fail(err)
	}
	if err := (token.Store{FS: vfs.OS, Dir: filepath.Join(e.fleetState(), "tokens")}).Create(t, now); err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(fleetEnrollAnswer{
			Token: t.Text(), ID: t.ID, Customer: t.Customer, URL: t.URL, Expires: t.Expires, Pin: hex.EncodeToString(pin), Verifier: authority.Verifier,
		}, exitYes)
	}
	// The token alone, so that it can be piped; the rest is for whoever reads.
	fmt.Fprintln(e.out, t.Text())
	fmt.Fprintf(e.err, "weir: good once, until %s, for one install of %s at %s\n", t.Expires.Format(time.RFC3339), t.Customer, t.URL)
	fmt.Fprintf(e.err, "weir: at the edge: weir enroll --token-file FILE, or WEIR_ENROLL_TOKEN at its start\n")
	return exitYes
}

// pinOf is the pin of the last certificate in a file: the authority, whether it
// stands alone or at the end of a chain.
func pinOf(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	certs, err := ca.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	h := sha256.Sum256(certs[len(certs)-1].RawSubjectPublicKeyInfo)
	return h[:], nil
}
