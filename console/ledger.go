package console

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/plain"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const (
	maxPage = 500
	window  = 1000   // records that are read at once
	readOn  = 20_000 // records behind a page that are searched for its outcomes
)

type recordAnswer struct {
	Index       int64     `json:"index"`
	Kind        string    `json:"kind"`
	Time        time.Time `json:"time"`
	Sequence    uint64    `json:"sequence"`
	Policy      string    `json:"policy"`
	Destination string    `json:"destination"`
	Bytes       int64     `json:"bytes"`
	Outcome     string    `json:"outcome"` // of a report; "pending" if there is none
	Receipt     bool      `json:"receipt"` // the outcome holds the fleet's receipt
}

type ledgerAnswer struct {
	Install string         `json:"install"`
	Size    int64          `json:"size"`
	Records []recordAnswer `json:"records"` // newest first
}

func summary(r *ledger.Record) recordAnswer {
	return recordAnswer{
		Index: r.Index, Kind: r.Kind.String(), Time: r.Time.UTC(), Sequence: r.Sequence,
		Policy: policy.Digest(r.PolicyDigest).String(), Destination: r.Destination, Bytes: int64(r.About().Size),
	}
}

// ledgerPage lists records backwards: before an index, or from the newest on.
func (a *api) ledgerPage(r *http.Request) (any, error) {
	q := r.URL.Query()
	limit, before, kind := 100, int64(-1), q.Get("kind")
	var err error
	if s := q.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxPage {
			return nil, refuse(http.StatusBadRequest, "limit: write a number from 1 to %d", maxPage)
		}
	}
	if s := q.Get("before"); s != "" {
		if before, err = strconv.ParseInt(s, 10, 64); err != nil || before < 0 {
			return nil, refuse(http.StatusBadRequest, "before: write the index of a record")
		}
	}
	book, err := ledger.OpenBook(a.FS, a.Ledger)
	if errors.Is(err, ledger.ErrNone) {
		return ledgerAnswer{Records: []recordAnswer{}}, nil
	}
	if err != nil {
		return nil, err
	}
	end, err := a.end(book)
	if err != nil {
		return nil, err
	}
	out := ledgerAnswer{Install: book.Checkpoint.Install, Size: end, Records: []recordAnswer{}}
	if before < 0 || before > end {
		before = end
	}
	oldest := before
	for to := before; to > 0 && len(out.Records) < limit; to = oldest {
		oldest = max(0, to-window)
		part, err := between(book, oldest, to, kind)
		if err != nil {
			return nil, err
		}
		for i := len(part) - 1; i >= 0 && len(out.Records) < limit; i-- {
			out.Records = append(out.Records, part[i])
		}
	}
	return out, outcomes(book, out.Records)
}

// end is the number of records there are now, those behind the checkpoint too.
func (a *api) end(book *ledger.Book) (int64, error) {
	end := book.Checkpoint.Size
	rd, err := ledger.NewReader(a.FS, a.Ledger, 1)
	if err != nil {
		return 0, err
	}
	err = rd.Read(func(r ledger.Record) error {
		end = max(end, r.Index+1)
		return nil
	})
	return end, err
}

var errEnough = errors.New("enough")

// between reads records [from, to) of a kind, or of all.
func between(book *ledger.Book, from, to int64, kind string) ([]recordAnswer, error) {
	rd, err := book.From(from)
	if err != nil {
		return nil, err
	}
	var out []recordAnswer
	err = rd.Read(func(r ledger.Record) error {
		if r.Index >= to {
			return errEnough
		}
		if kind == "" || r.Kind.String() == kind {
			out = append(out, summary(&r))
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// outcomes says of each report what became of it. An outcome stands behind its
// report, and reports are sent in order.
func outcomes(book *ledger.Book, records []recordAnswer) error {
	waiting := map[int64]*recordAnswer{}
	first, last := int64(math.MaxInt64), int64(0)
	for i := range records {
		if r := &records[i]; r.Kind == ledger.KindReport.String() {
			waiting[r.Index] = r
			r.Outcome = "pending"
			first, last = min(first, r.Index), max(last, r.Index)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	rd, err := book.From(first)
	if err != nil {
		return err
	}
	err = rd.Read(func(r ledger.Record) error {
		if r.Index > last+readOn || len(waiting) == 0 {
			return errEnough
		}
		switch r.Kind {
		case ledger.KindOutcome:
			o, err := ledger.ParseOutcome(r.Body)
			if err != nil {
				return err
			}
			if w := waiting[o.Report]; w != nil {
				w.Outcome, w.Receipt = string(o.Result), o.Receipt != ""
				delete(waiting, o.Report)
			}
		case ledger.KindDrop:
			d, err := ledger.ParseDrop(r.Body)
			if err != nil {
				return err
			}
			for index, w := range waiting {
				if index >= d.From && index <= d.To {
					w.Outcome = "dropped"
					delete(waiting, index)
				}
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return err
}

type detailAnswer struct {
	recordAnswer
	Header   string            `json:"header"` // base64
	Body     string            `json:"body"`   // base64
	Text     string            `json:"text"`
	Identity map[string]string `json:"identity"`
	Plain    []plain.Entry     `json:"plain"`
	Proof    proofAnswer       `json:"proof"`
}

type proofAnswer struct {
	Size       int64    `json:"size"`
	Hashes     []string `json:"hashes"` // base64
	Checkpoint string   `json:"checkpoint"`
	Verifier   string   `json:"verifier"`
}

func (a *api) ledgerRecord(r *http.Request) (any, error) {
	index, err := strconv.ParseInt(r.PathValue("index"), 10, 64)
	if err != nil || index < 0 {
		return nil, refuse(http.StatusBadRequest, "write the index of a record")
	}
	book, err := ledger.OpenBook(a.FS, a.Ledger)
	if err != nil {
		return nil, err
	}
	rec, err := book.Record(index)
	if errors.Is(err, ledger.ErrNoRecord) {
		return nil, refuse(http.StatusNotFound, "there is no record %d, or it is older than what is kept", index)
	}
	if err != nil {
		return nil, err
	}
	out := detailAnswer{recordAnswer: summary(&rec), Body: base64.StdEncoding.EncodeToString(rec.Body), Plain: []plain.Entry{}}
	one := []recordAnswer{out.recordAnswer}
	if err := outcomes(book, one); err != nil {
		return nil, err
	}
	out.recordAnswer = one[0]
	a.words(&rec, &out)
	return out, a.prove(book, rec, &out)
}

// words puts a body in words, as far as that can be done.
func (a *api) words(rec *ledger.Record, out *detailAnswer) {
	switch {
	case rec.Removed != nil:
		out.Text = "The bytes of this record are older than what is kept; its header still proves what they were."
	case rec.Kind == ledger.KindReport:
		// Without the policy the values are still there, only not the reasons.
		p, _ := consent.Text(a.FS, a.Data, rec.PolicyDigest)
		if report, err := plain.Read(p, rec.Body); err == nil {
			out.Identity, out.Plain = report.Identity, report.Entries
		} else {
			out.Text = err.Error()
		}
	case utf8.Valid(rec.Body):
		out.Text = string(rec.Body)
	}
}

// prove adds what a browser needs to check the record by itself. One that no
// checkpoint covers yet has no proof: within a minute it has.
func (a *api) prove(book *ledger.Book, rec ledger.Record, out *detailAnswer) error {
	if rec.Index >= book.Checkpoint.Size {
		return nil
	}
	s, err := book.State(rec)
	if err != nil {
		return err
	}
	key, err := vfs.ReadFile(a.FS, filepath.Join(a.Ledger, "verifier.pub"))
	if err != nil {
		return err
	}
	out.Header = base64.StdEncoding.EncodeToString(s.Header)
	out.Proof = proofAnswer{Size: book.Checkpoint.Size, Checkpoint: string(s.Checkpoint), Verifier: strings.TrimSpace(string(key)), Hashes: []string{}}
	for _, h := range s.Inclusion {
		out.Proof.Hashes = append(out.Proof.Hashes, base64.StdEncoding.EncodeToString(h[:]))
	}
	return nil
}
