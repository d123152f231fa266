// Package console is the web pages of Weir: dashboards, logs, metrics, what
// leaves and the allowlist, for those who have no Grafana, and for what Grafana
// cannot show.
//
// The pages are written in TypeScript under src and built by Vite into dist, which
// is committed and, packed with the dashboards (pack), embedded here: building
// Weir needs no Node. They are
// static; what they show they ask of the Prometheus and the Loki API beside
// them and of the small API here, under /weir/v1/. The dashboards are the same
// files that Grafana loads.
//
// The pages may load and reach nothing but the address that they came from.
// The package knows no listener and no authentication: whoever serves it says
// who is asking.
package console

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets.zip
var packed string

// assets are the pages' files and, under dashboards/, the dashboards.
var assets = sync.OnceValues(func() (fs.FS, error) {
	z, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("the console was not packed: run 'make console': %w", err)
	}
	return z, nil
})

// contentPolicy: the pages' own script and style sheet, and requests to where
// they came from; nothing else from anywhere, and no frame may hold them.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Patterns are what the console answers, for a ServeMux.
var Patterns = []string{"GET /{$}", "GET /console.js", "GET /console.css", "/weir/v1/"}

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
}

// Handler answers all Patterns.
func Handler(o Options) (http.Handler, error) {
	files, err := assets()
	if err != nil {
		return nil, err
	}
	a, err := newAPI(o, files)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for pattern, name := range map[string]string{"GET /{$}": "index.html", "GET /console.js": "console.js", "GET /console.css": "console.css"} {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the console's pages: %w", err)
		}
		mux.Handle(pattern, file(name, content))
	}
	a.route(mux)
	return mux, nil
}

func file(name string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		// An upgrade must not meet the old script.
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(content) // an error means that the client is gone
	})
}
