// Package identity is who an install is to its vendor's fleet: a client
// certificate, and what to expect of the fleet in return.
//
// [Enroll] exchanges a one-time token for it, [Load] reads it, [Renew] replaces
// it before it ends, and even after. All of it is one file, identity/fleet.json
// under the edge's data folder, readable by the owner alone and replaced as a
// whole: there is no moment at which the key and the certificate do not belong
// together. Key and request are made here; the key never leaves.
//
// The fleet's side reads a certificate with [FromCertificate].
//
// It does not decide where reports go (the policy does), and it does not retry.
package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// ErrNone is returned by [Load] for an edge that has not enrolled.
var ErrNone = errors.New("not enrolled with a fleet")

// Edge is an edge's identity with its fleet.
type Edge struct {
	Install, Customer string
	// URL is where the edge has enrolled.
	URL string
	// Cert is the client's certificate with its key.
	Cert tls.Certificate
	// Roots are the authorities of the fleet's server; nil: the host's.
	Roots *x509.CertPool
	// Fleet verifies the fleet's countersignature on checkpoints; nil if it has none.
	Fleet note.Verifier
	// NotBefore and NotAfter are the certificate's.
	NotBefore, NotAfter time.Time

	file file
}

// String and GoString keep the key out of anything that prints the value.
func (e Edge) String() string   { return "install " + e.Install + " of " + e.Customer }
func (e Edge) GoString() string { return e.String() }

// Due says whether the certificate should be renewed: after half of its life.
// Where the host's clock is wrong it may say so again at once, so ask no more
// often than every few minutes.
func (e Edge) Due(now time.Time) bool {
	return now.After(e.NotBefore.Add(e.NotAfter.Sub(e.NotBefore) / 2))
}

// Where the identity lies under the data folder.
const (
	folder   = "identity"
	fileName = "fleet.json"
)

// file is fleet.json. A field may be added, with a meaning for its absence;
// anything else is a new Version.
type file struct {
	Version int    `json:"version"`
	URL     string `json:"url"`
	Key     string `json:"key"`             // PKCS #8, PEM
	Chain   string `json:"certificate"`     // PEM, the install's first
	Roots   string `json:"roots,omitempty"` // PEM
	Fleet   string `json:"fleet,omitempty"` // the verifier in note's text form
}

const fileVersion = 1

// File is the name of the identity's file.
func File(data string) string { return filepath.Join(data, folder, fileName) }

// Load reads the identity kept under data. It does not mind an expired
// certificate: that can still be renewed.
func Load(fsys vfs.FS, data string) (Edge, error) {
	name := File(data)
	text, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return Edge{}, ErrNone
	}
	if err != nil {
		return Edge{}, fmt.Errorf("read the fleet identity: %w", err)
	}
	e, err := parse(text)
	if err != nil { // its text quotes nothing: the key is in there
		return Edge{}, fmt.Errorf("read the fleet identity: %s: %w; restore the file, or remove it and enrol again", name, err)
	}
	return e, nil
}

func parse(text []byte) (Edge, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&f); err != nil || d.More() {
		return Edge{}, errors.New("not the JSON that Weir wrote")
	}
	if f.Version != fileVersion {
		return Edge{}, errors.New("version is not 1; written by a newer Weir")
	}
	return f.edge()
}

func (f file) edge() (Edge, error) {
	cert, err := tls.X509KeyPair([]byte(f.Chain), []byte(f.Key))
	if err != nil {
		return Edge{}, errors.New("the certificate and the key are not a pair")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return Edge{}, errors.New("the certificate cannot be read")
	}
	cert.Leaf = leaf
	p, err := FromCertificate(leaf)
	if err != nil {
		return Edge{}, err
	}
	e := Edge{
		Install: p.Install, Customer: p.Customer, URL: f.URL, Cert: cert,
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, file: f,
	}
	if f.Roots != "" {
		e.Roots = x509.NewCertPool()
		if !e.Roots.AppendCertsFromPEM([]byte(f.Roots)) {
			return Edge{}, errors.New("the fleet's authorities cannot be read")
		}
	}
	if f.Fleet != "" {
		if e.Fleet, err = note.NewVerifier(f.Fleet); err != nil {
			return Edge{}, errors.New("the fleet's key cannot be read")
		}
	}
	return e, nil
}

// save makes the identity durable. The folder exists: the install's id is in it.
func (e Edge) save(fsys vfs.FS, data string) error {
	text, err := json.MarshalIndent(e.file, "", "  ")
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(fsys, File(data), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the fleet identity: %w", err)
	}
	return nil
}

// LedgerKey is the ledger key that the certificate vouches for, if any.
func (e Edge) LedgerKey() string {
	p, _ := FromCertificate(e.Cert.Leaf) // read before
	return p.LedgerKey
}
