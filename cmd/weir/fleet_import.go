package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const fleetImportUsage = "[--json] FILE --url URL [--receipts FILE] [--identity FILE] [--ca FILE] [--customer NAME --verifier KEY]"

// importAnswer is the JSON of fleet import. Its keys are stable.
type importAnswer struct {
	Install  string         `json:"install"`
	Customer string         `json:"customer"`
	Reports  int            `json:"reports"`
	Accepted int            `json:"accepted"`
	Known    int            `json:"known"`   // the fleet had them, or later ones
	Refused  map[string]int `json:"refused"` // by what the fleet answered
	Pruned   int64          `json:"pruned"`  // the ledger no longer has them
	Receipts string         `json:"receipts"`
}

// runFleetImport carries an air-gapped install's reports into the fleet: it
// reads the exported file once to the end, so that nothing of a torn or
// changed one gets in, and then reports in the install's name, with a
// certificate for a few minutes, by the same door as everybody else.
func runFleetImport(e env, args []string) int {
	var (
		asJSON                                         bool
		base, receiptFile, keyFile, caFile, who, given string
	)
	files, err := parseArgs("fleet import", fleetImportUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&base, "url", e.getenv("WEIR_FLEET_URL"), "")
		fs.StringVar(&receiptFile, "receipts", "", "")
		fs.StringVar(&keyFile, "identity", "", "")
		fs.StringVar(&caFile, "ca", "", "")
		fs.StringVar(&who, "customer", "", "")
		fs.StringVar(&given, "verifier", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(files) != 1 || (who == "") != (given == "") {
		return e.fail(fmt.Errorf("%w: usage: weir fleet import %s", errUsage, fleetImportUsage))
	}
	if !strings.HasPrefix(base, "https://") {
		return e.fail(fmt.Errorf("%w: --url (or WEIR_FLEET_URL) is where the fleet takes reports, such as https://fleet.example:4418", errUsage))
	}
	if receiptFile == "" {
		receiptFile = files[0] + ".receipts"
	}
	var keys []age.Identity
	if keyFile != "" {
		if keys, err = readIdentities(keyFile); err != nil {
			return e.fail(err)
		}
	}
	read := func(visit func(ledger.Record, ledger.Statement) error) (ledger.Summary, error) {
		f, err := os.Open(files[0])
		if err != nil {
			return ledger.Summary{}, err
		}
		defer f.Close()
		return ledger.ReadExport(bufio.NewReaderSize(f, 1<<20), keys, visit)
	}
	summary, err := read(func(ledger.Record, ledger.Statement) error { return nil })
	if err != nil {
		return e.fail(fmt.Errorf("%s: %w", files[0], err))
	}
	peer, err := e.importPeer(summary, who, given)
	if err != nil {
		return e.fail(err)
	}
	c, err := e.importClient(peer, base, caFile)
	if err != nil {
		return e.fail(err)
	}
	out, err := os.CreateTemp(filepath.Dir(receiptFile), ".receipts-")
	if err != nil {
		return e.fail(err)
	}
	defer os.Remove(out.Name())
	c.receipts = bufio.NewWriter(out)
	c.answer.Pruned, c.answer.Receipts = summary.Pruned, receiptFile
	_, err = read(c.visit)
	if err = errors.Join(err, c.receipts.Flush(), out.Sync(), out.Close()); err != nil {
		return e.fail(fmt.Errorf("import %s: after %d reports: %w: import it again, what is known stays known", files[0], c.answer.Reports, err))
	}
	if err := os.Rename(out.Name(), receiptFile); err != nil {
		return e.fail(err)
	}
	code := exitYes
	if len(c.answer.Refused) > 0 {
		code = exitNo
	}
	if asJSON {
		return e.json(c.answer, code)
	}
	a := c.answer
	fmt.Fprintf(e.out, "%s of %s: %d reports, %d accepted, %d known already\n", a.Install, plain(a.Customer), a.Reports, a.Accepted, a.Known)
	for _, reason := range slices.Sorted(maps.Keys(a.Refused)) {
		fmt.Fprintf(e.out, "  %d refused: %s\n", a.Refused[reason], plain(reason))
	}
	if a.Pruned > 0 {
		fmt.Fprintf(e.out, "  %d reports are no longer in the ledger\n", a.Pruned)
	}
	fmt.Fprintf(e.out, "receipts in %s: carry it back, weir ledger import records them\n", a.Receipts)
	return code
}

// importPeer finds out whose file it is. The key in the file is the file's own
// word: it must be the one that the install enrolled with, or the one given.
func (e env) importPeer(s ledger.Summary, customer, verifier string) (identity.Peer, error) {
	reg, err := e.fleetRegistry()
	if err != nil {
		return identity.Peer{}, err
	}
	one, err := reg.Get(s.Install)
	switch {
	case errors.Is(err, registry.ErrUnknown) && customer == "":
		return identity.Peer{}, fmt.Errorf("this fleet knows no install %s: say whose it is with --customer, and with --verifier the ledger's key as the customer told it", s.Install)
	case errors.Is(err, registry.ErrUnknown):
		if strings.TrimSpace(verifier) != s.Verifier {
			return identity.Peer{}, errors.New("the file's ledger has another key than --verifier says: it is not that install's, or somebody changed it")
		}
		if err := reg.Bind(s.Install, customer); err != nil {
			return identity.Peer{}, err
		}
		one = registry.Install{ID: s.Install, Customer: customer, Enrolments: []registry.Enrolment{{ID: "import", Time: time.Now().UTC(), Ledger: s.Verifier}}}
		if err := reg.Record(s.Install, one.Enrolments[0]); err != nil {
			return identity.Peer{}, err
		}
	case err != nil:
		return identity.Peer{}, err
	}
	for _, en := range slices.Backward(one.Enrolments) {
		if en.Ledger != s.Verifier {
			continue
		}
		p := identity.Peer{Install: one.ID, Customer: one.Customer, Enrolment: en.ID}
		return p, p.SetLedger(s.Verifier)
	}
	return identity.Peer{}, errors.New("the file's ledger has another key than the install enrolled with: it is not that install's, or somebody changed it")
}

// importing sends one install's reports.
type importing struct {
	client   *http.Client
	url      string
	peer     identity.Peer
	receipts *bufio.Writer
	answer   importAnswer
}

// importLife of the certificate: one import.
const importLife = time.Hour

func (e env) importClient(p identity.Peer, base, caFile string) (*importing, error) {
	authority, err := ca.Load(vfs.OS, e.fleetState())
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	text, err := authority.Issue(csr, p, time.Now(), importLife)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	roots := authority.Pool()
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
		}
	}
	return &importing{
		client: &http.Client{
			Timeout: time.Minute,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS13, RootCAs: roots,
				Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key}},
			}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url: strings.TrimSuffix(base, "/") + "/v1/metrics", peer: p,
		answer: importAnswer{Install: p.Install, Customer: p.Customer, Refused: map[string]int{}},
	}, nil
}

// replayed is what the gate answers to a sequence of the past that it does not
// remember: it has that report, or later ones.
const replayed = "replayed"

// visit sends one record's report. An error ends the import: the fleet is not
// there, or cannot take more now.
func (c *importing) visit(r ledger.Record, s ledger.Statement) error {
	if r.Kind != ledger.KindReport || len(r.Body) == 0 {
		return nil
	}
	c.answer.Reports++
	req, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("Weir-Ledger", base64.RawURLEncoding.EncodeToString(s.Encode()))
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		c.answer.Accepted++
		return c.keep(resp.Header.Get("Weir-Receipt"), r, s)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the fleet answers %s", resp.Status)
	case strings.Contains(string(text), replayed):
		c.answer.Known++
	default:
		c.answer.Refused[strings.TrimSpace(string(text))]++
	}
	return nil
}

// keep writes the receipt down, as weir fleet receipts export would.
func (c *importing) keep(header string, r ledger.Record, s ledger.Statement) error {
	signed, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil || len(signed) == 0 {
		return errors.New("the fleet took a report and gave no receipt")
	}
	one, err := receipts.New(c.peer.Install, c.peer.Customer, s, r.Body, signed, c.peer.Ledger)
	if err != nil {
		return err
	}
	return json.NewEncoder(c.receipts).Encode(one)
}

// readIdentities reads age's own key files.
func readIdentities(file string) ([]age.Identity, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("%s: no identities of age are in it", file) // the library's text may quote a key
	}
	return keys, nil
}
