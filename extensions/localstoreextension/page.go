package localstoreextension

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/version"
)

//go:embed page.html
var pageSource string

var (
	page = template.Must(template.New("page").Parse(pageSource))
	// The page may use its own style sheet and nothing else: no script, no
	// image, no font, no frame, from anywhere.
	pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash(pageSource) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func styleHash(source string) string {
	_, rest, _ := strings.Cut(source, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// servePage says what is here, how much of it, and how to look at it.
func (l *localStore) servePage(w http.ResponseWriter, r *http.Request) {
	f, ok := l.figuresNow()
	if !ok {
		answer(w, http.StatusServiceUnavailable, "the stores are not open")
		return
	}
	scheme := "http"
	if l.cfg.HTTP.TLS.HasValue() {
		scheme = "https"
	}
	host, _, err := net.SplitHostPort(l.cfg.HTTP.NetAddr.Endpoint)
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Version":          version.Version,
		"Data":             l.cfg.Data,
		"Loopback":         err == nil && isLoopback(host),
		"URL":              scheme + "://" + r.Host,
		"Series":           f.metrics.Series,
		"Streams":          f.logs.ActiveStreams,
		"Samples":          f.metrics.Samples,
		"Records":          f.logs.Accepted,
		"MetricsDisk":      sizeText(f.metrics.DiskBytes),
		"LogsDisk":         sizeText(f.logs.DiskBytes),
		"MetricsAge":       ageText(f.metricsAge()),
		"LogsAge":          ageText(f.logsAge()),
		"MetricsRetention": ageText(time.Duration(l.cfg.Metrics.Retention)),
		"LogsRetention":    ageText(time.Duration(l.cfg.Logs.Retention)),
	})
	if err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	// An error means that the client is gone.
	_, _ = w.Write(out.Bytes())
}

func sizeText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, prefixes := float64(n)/unit, "KMGTP"
	for v >= unit && len(prefixes) > 1 {
		v, prefixes = v/unit, prefixes[1:]
	}
	return fmt.Sprintf("%.1f %ciB", v, prefixes[0])
}

func ageText(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
