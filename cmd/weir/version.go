package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/weir-telemetry/weir/internal/version"
)

func versionCommands() []command {
	return []command{{
		name: "version", usage: "[--json]", short: "Say which build this is.",
		run: runVersion,
	}}
}

func runVersion(e env, args []string) int {
	switch {
	case len(args) == 0:
		fmt.Fprintf(e.out, "weir %s (%s, %s, %s/%s)\n", version.Version, version.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	case len(args) == 1 && args[0] == "--json":
		_ = json.NewEncoder(e.out).Encode(map[string]string{
			"version": version.Version, "commit": version.Commit,
			"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		})
	default:
		return e.fail(fmt.Errorf("%w: usage: weir version [--json]", errUsage))
	}
	return exitYes
}
