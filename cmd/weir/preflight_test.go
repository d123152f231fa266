package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/preflight"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// TestPreflightReads compares what the verb prints, for people and for machines,
// with testdata/preflight.txtar. WEIR_UPDATE_GOLDEN=1 writes it anew.
func TestPreflightReads(t *testing.T) {
	a := preflightAnswer{Config: []string{"config/edge.yaml", "own.yaml"}, Data: "/var/lib/weir", Missing: 1, Warnings: 1, Findings: []preflight.Finding{
		{Check: "port", About: "127.0.0.1:4317, for otlp", State: preflight.Missing, Evidence: "taken by nginx, process 812",
			Fix:  "stop nginx, or set WEIR_OTLP_GRPC (receivers::otlp::protocols::grpc::endpoint) to a free address",
			Area: responsibilities.Infrastructure, Contact: &responsibilities.Contact{Who: "Platform team", Reach: "+49 30 5550101", Hours: "Mon-Fri 8-18 CET"}},
		{Check: "port", About: "127.0.0.1:4318, for otlp", State: preflight.Fine, Evidence: "free"},
		{Check: "log files", About: "./logs/*.log", State: preflight.Warning, Evidence: "matches no file\x1b[2J",
			Fix: "set WEIR_LOGS", Area: responsibilities.Application},
		{Check: "destination", About: "the way to the vendor", State: preflight.Unknown, Evidence: "--offline: nothing is asked"},
	}}
	const file = "testdata/preflight.txtar"
	golden, err := txtar.ParseFile(file)
	require.NoError(t, err)
	require.Len(t, golden.Files, 2)
	var text, asJSON bytes.Buffer
	env{out: &text}.sayPreflight(a)
	require.Equal(t, exitNo, env{out: &asJSON}.json(a, exitNo))
	for i, got := range []string{text.String(), asJSON.String()} {
		if os.Getenv("WEIR_UPDATE_GOLDEN") != "" {
			golden.Files[i].Data = []byte(got)
			continue
		}
		assert.Equal(t, string(golden.Files[i].Data), got)
	}
	if os.Getenv("WEIR_UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, txtar.Format(golden), 0o644))
	}
}

// The verb reads the configuration with this environment's variables, as the
// collector does, and its exit code says whether something is missing.
func TestPreflightSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	for name, value := range map[string]string{
		"WEIR_DATA": filepath.Join(dir, "data"), "WEIR_OTLP_GRPC": "127.0.0.1:0", "WEIR_OTLP_HTTP": "127.0.0.1:0", "WEIR_LISTEN": l.Addr().String(),
		"WEIR_LOGS": filepath.Join(dir, "*.log"), "WEIR_SCRAPE": filepath.Join(dir, "*.yaml"), "WEIR_POLICY": "", "WEIR_RESPONSIBILITIES": "",
	} {
		t.Setenv(name, value)
	}
	try := func(args ...string) (a preflightAnswer, errOut string, code int) {
		var out, errs bytes.Buffer
		code = run(env{out: &out, err: &errs, getenv: os.Getenv}, append([]string{"preflight", "--json", "--offline"}, args...))
		if code != exitError {
			require.NoError(t, json.Unmarshal(out.Bytes(), &a), out.String())
		}
		return a, errs.String(), code
	}
	find := func(a preflightAnswer, check string) preflight.Finding {
		for _, f := range a.Findings {
			if f.Check == check && f.State != preflight.Fine {
				return f
			}
		}
		return preflight.Finding{}
	}
	const config = "../../config/edge.yaml"
	a, errOut, code := try("--config", config)
	assert.Equal(t, exitNo, code)
	assert.Empty(t, errOut)
	assert.False(t, a.OK)
	assert.Equal(t, filepath.Join(dir, "data"), a.Data)
	assert.Contains(t, find(a, "port").Fix, "or set WEIR_LISTEN (extensions::local_store::http::endpoint) to a free address")
	assert.Empty(t, find(a, "retention").Check)

	// A second file is merged, as the collector would.
	require.NoError(t, l.Close())
	own := filepath.Join(dir, "own")
	require.NoError(t, os.WriteFile(own, []byte("extensions: {local_store: {logs: {retention: 2d}}}"), 0o600))
	a, _, code = try("--config", config, "--config", own)
	assert.Empty(t, find(a, "port"))
	assert.Equal(t, a.Missing == 0, a.OK)
	assert.Equal(t, a.OK, code == exitYes, "%+v", a) // what the machine itself lacks is not this test's
	assert.Equal(t, preflight.Warning, find(a, "retention").State)

	for _, args := range [][]string{{"--config", filepath.Join(dir, "none.yaml")}, {"--config", own}, {"surplus"}} {
		_, errOut, code = try(args...)
		assert.Equal(t, exitError, code, args)
		assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
	}
}

// The collector's own judgement of the configuration is a finding.
func TestPreflightAsksTheCollector(t *testing.T) {
	name := filepath.Join(t.TempDir(), "weir-collector")
	for script, want := range map[string]preflight.Finding{
		"exit 0": {State: preflight.Fine, Evidence: "weir-collector takes it"},
		`test "$*" = "validate --config a --config b" || exit 0; echo "Error: receivers::otlp: is empty"; echo more; exit 1`: {State: preflight.Missing,
			Evidence: "receivers::otlp: is empty", Fix: "weir-collector validate --config a --config b says all of it", Area: responsibilities.Monitoring},
	} {
		require.NoError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
		want.Check, want.About = "configuration", "a, b"
		assert.Equal(t, want, validated(name, []string{"a", "b"}))
	}
	assert.Equal(t, preflight.Unknown, validated(filepath.Join(t.TempDir(), "none"), nil).State)
}

func TestPreflightSaysWhatTakesLong(t *testing.T) {
	after, every := progressAfter, progressEvery
	progressAfter, progressEvery = time.Millisecond, time.Millisecond
	defer func() { progressAfter, progressEvery = after, every }()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	s := env{err: w}.sayAt()
	s.at("the way to the vendor")
	buf := make([]byte, 1000)
	for {
		n, err := r.Read(buf)
		require.NoError(t, err)
		if strings.Contains(string(buf[:n]), "weir: still looking at the way to the vendor\n") {
			break
		}
	}
	s.stop()
	s.stop()
}
