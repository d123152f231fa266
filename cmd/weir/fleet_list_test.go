package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/rollout"
	"github.com/weir-telemetry/weir/localstore/api"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

const (
	installA = "0194f3c2-5a31-4d2b-9c1e-aaaaaaaaaaaa" // canary, fails
	installB = "0194f3c2-5a31-4d2b-9c1e-bbbbbbbbbbbb" // rest
	installC = "1194f3c2-5a31-4d2b-9c1e-cccccccccccc" // silent
)

// recorded is what the rules of dashboards/rules/fleet.yaml leave of three installs.
var recorded = strings.NewReplacer("$a", installA, "$b", installB, "$c", installC).Replace(`
weir:install:last_report_seconds{weir_install_id="$a"} now
weir:install:last_report_seconds{weir_install_id="$b"} now
weir:install:last_report_seconds{weir_install_id="$c"} now-7000
weir:install:alive{weir_install_id="$a"} 1
weir:install:alive{weir_install_id="$b"} 1
weir:install:alive{weir_install_id="$c"} 0
weir:install:interval_seconds{weir_install_id="$a"} 60
weir:install:ring{weir_install_id="$a", weir_fleet_ring="canary"} 1
weir:install:ring{weir_install_id="$b", weir_fleet_ring="rest"} 1
weir:install:release{weir_install_id="$a", service_name="api", service_version="1.1.0"} 2
weir:install:release{weir_install_id="$b", service_name="api", service_version="1.0.0"} 1
weir:install:release_ring{weir_install_id="$a", service_name="api", service_version="1.1.0", weir_fleet_ring="canary"} 1
weir:install:release_ring{weir_install_id="$b", service_name="api", service_version="1.0.0", weir_fleet_ring="rest"} 1
weir:install:releases_behind{weir_install_id="$b", service_name="api", service_version="1.0.0"} 1
weir:install:in_desired_state{weir_install_id="$a"} 1
weir:install:in_desired_state{weir_install_id="$b"} 0
weir:install:error_ratio15m{weir_install_id="$a"} 0.05
weir:install:error_ratio15m{weir_install_id="$b"} 0.01
weir:install_service:requests:rate15m{weir_install_id="$a", service_name="api"} 2
weir:install_service:requests:rate15m{weir_install_id="$b", service_name="api"} 20
weir:install_service:errors:rate15m{weir_install_id="$a", service_name="api"} 0.1
weir:install_service:errors:rate15m{weir_install_id="$b", service_name="api"} 0.2
weir:install:headroom{weir_install_id="$a"} 0.2
weir:install:utilization{weir_install_id="$a", resource="disk"} 0.8
weir:install:policy_revision{weir_install_id="$a"} 7
weir:install:missing_reports1h{weir_install_id="$a"} 3
weir:install:time_to_first_signal_seconds{weir_install_id="$a"} 95
weir_fleet_install_info{weir_install_id="$a", weir_customer="acme"} 1
weir_environment_platform{weir_install_id="$a", weir_platform="container"} 1
weir_environment_platform{weir_install_id="$a", weir_platform="vm"} 0
weir_environment_os{weir_install_id="$a", weir_os_family="other"} 1
weir_environment_air_gap{weir_install_id="$a", weir_air_gap="false"} 1
weir_environment_platform{weir_install_id="$b", weir_platform="bare"} 1
weir_configuration{weir_install_id="$a", weir_configuration_hash="0123456789abcdef"} 1 40m
weir_configuration{weir_install_id="$a", weir_configuration_hash="fedcba9876543210"} 1 2m
weir_configuration{weir_install_id="$b", weir_configuration_hash="0123456789abcdef"} 1 2m
weir_fleet_release_desired{service_name="api", service_version="1.1.0", weir_fleet_ring="rest"} 1
weir_fleet_report_sequence{weir_install_id="$a", service_version="0.1.0"} 41
`)

// serveFleet answers as a fleet that holds the series does; behind a value may
// stand how old it is.
func serveFleet(t *testing.T, series string) map[string]string {
	t.Helper()
	s, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	now := time.Now()
	app := s.Appender(t.Context())
	for line := range strings.Lines(strings.TrimSpace(series)) {
		end := strings.LastIndex(line, "} ") + 1
		ls, err := parser.ParseMetric(line[:end])
		require.NoError(t, err, line)
		value := float64(now.Unix())
		text, old, _ := strings.Cut(strings.TrimSpace(line[end:]), " ")
		age := time.Second
		if old != "" {
			age, err = time.ParseDuration(old)
			require.NoError(t, err, line)
		}
		switch text {
		case "now":
		case "now-7000":
			value -= 7000
		default:
			require.NoError(t, json.Unmarshal([]byte(text), &value))
		}
		_, err = app.Append(0, ls, now.Add(-age).UnixMilli(), value)
		require.NoError(t, err)
	}
	require.NoError(t, app.Commit())
	server := httptest.NewServer(api.Prometheus(s, api.PrometheusOptions{}))
	t.Cleanup(server.Close)
	return map[string]string{"WEIR_FLEET_LISTEN": strings.TrimPrefix(server.URL, "http://")}
}

func TestTheListShowsWhoNeedsHelpFirst(t *testing.T) {
	vars := serveFleet(t, recorded)
	out, _, code := with(vars, "fleet", "list")
	require.Equal(t, exitYes, code)
	lines := strings.Split(out, "\n")
	require.Len(t, lines, 7, out)
	assert.Equal(t, []string{"INSTALL", "CUSTOMER", "RING", "VERSION", "LAST", "REPORT", "STATE", "ERRORS", "HEADROOM", "POLICY"}, strings.Fields(lines[0]))
	assert.Equal(t, []string{installC, "-", "-", "-", "116m", "ago", "silent", "-", "-", "-"}, strings.Fields(lines[1]))
	assert.Regexp(t, installB+`  -  +rest +1.0.0 +\ds ago +outdated +1.00 % +- +-`, lines[2])
	assert.Regexp(t, installA+`  acme +canary +1.1.0 +\ds ago +ok +5.00 % +20.00 % +7`, lines[3])
	assert.Equal(t, "3 installs: 1 silent, 1 outdated, 1 ok", lines[5])

	first := func(args ...string) string {
		out, errs, code := with(vars, append([]string{"fleet", "list", "--json"}, args...)...)
		require.NotEqual(t, exitError, code, errs)
		var list []installState
		require.NoError(t, json.Unmarshal([]byte(out), &list))
		if len(list) == 0 {
			return ""
		}
		return list[0].Install
	}
	assert.Equal(t, installA, first("--sort", "errors"))
	assert.Equal(t, installB, first("--sort", "version"))
	assert.Equal(t, installC, first("--sort", "age"))
	assert.Equal(t, installA, first("--sort", "install"))
	assert.Equal(t, installA, first("--customer", "acme"))
	assert.Equal(t, installB, first("--version", "1.0.0"))
	assert.Equal(t, installB, first("--ring", "rest"))
	assert.Equal(t, installC, first("--state", "silent"))
	_, _, code = with(vars, "fleet", "list", "--customer", "nobody")
	assert.Equal(t, exitNo, code)
	for _, bad := range [][]string{{"--sort", "luck"}, {"--state", "good"}, {"x"}, {"--url", "fleet.example:7171/x://"}} {
		_, _, code = with(vars, append([]string{"fleet", "list"}, bad...)...)
		assert.Equal(t, exitError, code, bad)
	}
}

func TestOneInstallIsShownByTheBeginningOfItsID(t *testing.T) {
	vars := serveFleet(t, recorded)
	out, _, code := with(vars, "fleet", "show", installA[:30])
	require.Equal(t, exitYes, code)
	for _, want := range []string{"Customer      acme", "number 41, 3 of the last hour did not come", "First signal  1m35s after that", "api         1.1.0, 5.00 % of requests fail", "disk        80 % in use", "Weir          0.1.0", "Environment   container, os: other, air gap: false\n", "Config        changed 40m ago\n"} {
		assert.Contains(t, out, want)
	}
	out, _, _ = with(vars, "fleet", "show", installB)
	assert.Contains(t, out, "1.0.0, should run 1.1.0")
	assert.Regexp(t, `Config +the same for a day`, out)
	out, _, _ = with(vars, "fleet", "show", installC)
	assert.NotContains(t, out, "Config", "its policy does not name it")
	_, errs, code := with(vars, "fleet", "show", "0194")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errs, "more than one install begins so")
	_, _, code = with(vars, "fleet", "show", "ffff")
	assert.Equal(t, exitNo, code)
	_, _, code = with(vars, "fleet", "show", `.*"}`)
	assert.Equal(t, exitError, code)
}

func TestTheGateSaysGoPauseOrUnknown(t *testing.T) {
	vars := serveFleet(t, recorded)
	out, _, code := with(vars, "fleet", "gate", "--release", "1.1.0", "--ring", "canary")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "1.1.0 in ring canary: pause\n  api: 5.00 % of 1800 requests fail in 1 installs with the release, 1.00 % of 18000 in 1 without; beyond chance")
	out, _, code = with(vars, "fleet", "gate", "--release", "1.0.0")
	assert.Equal(t, exitYes, code, out)
	out, _, code = with(vars, "fleet", "gate", "--release", "9.9.9")
	assert.Equal(t, exitError, code)
	assert.Equal(t, "9.9.9: unknown\n  no install with the release reports requests\n", out)
	out, _, code = with(vars, "fleet", "gate", "--release", "1.1.0", "--ring", "rest", "--json")
	assert.Equal(t, exitError, code)
	var v rollout.Verdict
	require.NoError(t, json.Unmarshal([]byte(out), &v))
	assert.Equal(t, rollout.Unknown, v.Decision)

	// The silent install ran the release until it fell silent.
	silent := recorded + `weir:install:release_ring{weir_install_id="` + installC + `", service_name="api", service_version="1.0.0", weir_fleet_ring="rest"} 1` + "\n"
	out, _, code = with(serveFleet(t, silent), "fleet", "gate", "--release", "1.0.0")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "1 of 2 installs with the release are silent, 0 of 1 without")
}

func TestAFleetWithoutRulesSaysSo(t *testing.T) {
	vars := serveFleet(t, `weir_fleet_last_report_seconds{weir_install_id="`+installA+`"} now`)
	_, errs, code := with(vars, "fleet", "list")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errs, "the fleet's rules are not evaluated")
	_, errs, code = with(map[string]string{"WEIR_FLEET_LISTEN": "127.0.0.1:1"}, "fleet", "gate", "--release", "1.0.0")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errs, "no fleet answers at http://127.0.0.1:1: start it, or set WEIR_FLEET_LISTEN")
}
