package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Files of the folder. The lock is for the moment in which they are made.
const (
	keyFile      = "ca.key"       // PKCS #8, PEM
	certFile     = "ca.pem"       // the authority first, then others that are still trusted
	signerFile   = "fleet.key"    // note's text form
	verifierFile = "verifier.pub" // its public half, for those who check receipts
	lockFile     = "ca.lock"
)

const (
	lockWait = 10 * time.Second
	lockPoll = 10 * time.Millisecond
)

// ErrNone is returned by [Load] for a folder without an authority.
var ErrNone = errors.New("no authority here: 'weir fleet enroll' or the fleet's start makes it")

// Open loads the authority of a folder and makes it on first use. Two gateways
// at once make one.
func Open(fsys vfs.FS, dir string, now time.Time) (*Authority, error) {
	a, err := Load(fsys, dir)
	if !errors.Is(err, ErrNone) {
		return a, err
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the fleet's authority: %w", err)
	}
	lock, err := takeLock(fsys, filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("make the fleet's authority: %w", err)
	}
	defer lock.Close()
	if a, err := Load(fsys, dir); !errors.Is(err, ErrNone) {
		return a, err
	}
	if err := create(fsys, dir, now); err != nil {
		return nil, fmt.Errorf("make the fleet's authority: %w", err)
	}
	return Load(fsys, dir)
}

func takeLock(fsys vfs.FS, name string) (io.Closer, error) {
	for waited := time.Duration(0); ; waited += lockPoll {
		l, err := fsys.Lock(name)
		if !errors.Is(err, vfs.ErrLocked) || waited >= lockWait {
			return l, err
		}
		time.Sleep(lockPoll)
	}
}

// create writes the keys first and the certificate last: without it there is no
// authority, and a start after a crash begins anew.
func create(fsys vfs.FS, dir string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(public)
	name := "weir-fleet-" + hex.EncodeToString(hash[:8])
	serial, err := newSerial()
	if err != nil {
		return err
	}
	tpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.AddDate(-1, 0, 0), // for edges whose clocks are behind
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		perm fs.FileMode
	}{
		{signerFile, []byte(secret + "\n"), 0o600},
		{verifierFile, []byte(verifier + "\n"), 0o644},
		{keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600},
		{certFile, pemCert(der), 0o644},
	} {
		if err := vfs.WriteFileAtomic(fsys, filepath.Join(dir, f.name), f.data, f.perm); err != nil {
			return err
		}
	}
	return fsys.SyncDir(filepath.Dir(dir))
}

// Load reads the authority of a folder. Its errors name files and quote none.
func Load(fsys vfs.FS, dir string) (*Authority, error) {
	file := func(name string) string { return filepath.Join(dir, name) }
	certs, err := vfs.ReadFile(fsys, file(certFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	a := &Authority{pool: x509.NewCertPool()}
	if a.trusted, err = ParseCertificates(certs); err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %s: %w", file(certFile), err)
	}
	for _, c := range a.trusted {
		a.pool.AddCert(c)
	}
	a.cert = a.trusted[0]
	if a.key, err = readKey(fsys, file(keyFile)); err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(a.key.Public())
	if err != nil || string(public) != string(a.cert.RawSubjectPublicKeyInfo) {
		return nil, fmt.Errorf("read the fleet's authority: %s is not the key of the first certificate in %s: restore both from one backup", file(keyFile), file(certFile))
	}
	secret, err := vfs.ReadFile(fsys, file(signerFile))
	if err != nil {
		return nil, fmt.Errorf("read the fleet's signing key: %w", err)
	}
	if a.Signer, err = note.NewSigner(strings.TrimSpace(string(secret))); err != nil {
		return nil, fmt.Errorf("read the fleet's signing key: %s cannot be read: restore it from a backup", file(signerFile))
	}
	verifier, err := vfs.ReadFile(fsys, file(verifierFile))
	if err != nil {
		return nil, fmt.Errorf("read the fleet's verifier: %w", err)
	}
	a.Verifier = strings.TrimSpace(string(verifier))
	if v, err := note.NewVerifier(a.Verifier); err != nil || v.Name() != a.Signer.Name() || v.KeyHash() != a.Signer.KeyHash() {
		return nil, fmt.Errorf("read the fleet's verifier: %s is not that of %s: restore both from one backup", file(verifierFile), file(signerFile))
	}
	return a, nil
}

func readKey(fsys vfs.FS, name string) (crypto.Signer, error) {
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil {
		if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if s, ok := k.(crypto.Signer); ok {
				return s, nil
			}
		}
	}
	return nil, fmt.Errorf("%s holds no key: restore it from a backup", name)
}

// ParseCertificates reads authorities in PEM, at least one.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate cannot be read")
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate in it")
	}
	return list, nil
}
