package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Both files are small; what is larger was not written by those who should.
const (
	maxFault            = 4 << 20
	maxResponsibilities = 256 << 10
)

// fault is the verdict that vitals wrote: whose a fault is, and by what evidence.
// It is shown as it lies there; null: none was reached yet.
func (a *api) fault(*http.Request) (any, error) {
	text, err := a.small(filepath.Join(a.Data, "vitals", "fault.json"), maxFault)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// It may be written over in place while it is read.
	if text = bytes.TrimSpace(text); !json.Valid(text) {
		return nil, refuse(http.StatusServiceUnavailable, "the verdict is being written: ask again")
	}
	return json.RawMessage(text), nil
}

type responsibleAnswer struct {
	Area  responsibilities.Area `json:"area"`
	About string                `json:"about"`
	responsibilities.Contact
}

type responsibilitiesAnswer struct {
	File    string              `json:"file"`    // "": none is named
	Problem string              `json:"problem"` // why nobody can be named
	Areas   []responsibleAnswer `json:"areas"`
}

// responsibilities says who answers for what, as the customer wrote it down.
func (a *api) responsibilities(*http.Request) (any, error) {
	out := responsibilitiesAnswer{File: a.Responsibilities, Areas: []responsibleAnswer{}}
	if out.File == "" {
		return out, nil
	}
	text, err := a.small(out.File, maxResponsibilities)
	if err != nil {
		out.Problem = err.Error()
		return out, nil
	}
	contacts, err := responsibilities.Parse(out.File, text)
	if err != nil {
		out.Problem = err.Error()
		return out, nil
	}
	for _, area := range responsibilities.Areas {
		out.Areas = append(out.Areas, responsibleAnswer{Area: area, About: area.About(), Contact: contacts[area]})
	}
	return out, nil
}

// small reads a regular file of at most so many bytes.
func (a *api) small(name string, limit int64) ([]byte, error) {
	st, err := a.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > limit {
		return nil, refuse(http.StatusInternalServerError, "%s is no file of at most %d bytes", name, limit)
	}
	f, err := a.FS.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
