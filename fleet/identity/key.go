package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// keyFile holds the key of an enrolment that has no answer yet.
const keyFile = "enrolling.pem"

// newKey makes a key.
func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// enrolmentKey returns the key to enrol with: that of an attempt whose answer
// was lost, or a new one, which is durable before anything is sent. The fleet
// takes a used token again only for the key that it was used with.
func (o Options) enrolmentKey() (*ecdsa.PrivateKey, error) {
	name := filepath.Join(o.Data, folder, keyFile)
	text, err := vfs.ReadFile(o.FS, name)
	if err == nil {
		if block, _ := pem.Decode(text); block != nil {
			if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				if key, ok := key.(*ecdsa.PrivateKey); ok {
					return key, nil
				}
			}
		}
		// Nobody but this package writes it, and a broken one is of no use.
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key to enrol with: %w", err)
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	text, err = keyText(key)
	if err != nil {
		return nil, err
	}
	if err := vfs.WriteFileAtomic(o.FS, name, text, 0o600); err != nil {
		return nil, fmt.Errorf("write the key to enrol with: %w", err)
	}
	return key, nil
}

// forgetKey is called when the identity is saved, which has the key.
func (o Options) forgetKey() error {
	err := o.FS.Remove(filepath.Join(o.Data, folder, keyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the key that was enrolled with: %w", err)
	}
	return nil
}

func keyText(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
