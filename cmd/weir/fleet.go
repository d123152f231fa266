package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// fleetCommands are the vendor's verbs, and the customer's half of enrolment.
func fleetCommands() []command {
	return []command{
		{
			name: "enroll", usage: enrollUsage, short: "At the edge: exchange the vendor's token for a certificate.",
			run: runEnroll,
		},
		{
			name: "fleet enroll", usage: fleetEnrollUsage, short: "At the vendor: make a one-time token that lets one install of a customer in.",
			run: runFleetEnroll,
		},
		{
			name: "fleet revoke", usage: fleetRevokeUsage, short: "Throw an install out of the fleet until it enrols again.",
			run: runFleetRevoke,
		},
		{
			name: "fleet receipts export", usage: fleetReceiptsUsage, short: "Write the receipts of an install as JSON lines, for weir ledger reconcile.",
			run: runFleetReceipts,
		},
		{
			name: "fleet list", usage: fleetListUsage, short: "The installs: what they run, when they were heard, how they fare.",
			run: runFleetList,
		},
		{
			name: "fleet show", usage: fleetShowUsage, short: "One install, in full.",
			run: runFleetShow,
		},
		{
			name: "fleet gate", usage: fleetGateUsage, short: "May the release go on to more installs? 0 go, 1 pause, 2 unknown.",
			run: runFleetGate,
		},
		{
			name: "fleet import", usage: fleetImportUsage, short: "Take in what 'weir ledger export' wrote behind an air gap, and write its receipts.",
			run: runFleetImport,
		},
	}
}

// fleetState is the folder that all gateways of a fleet share, as
// config/fleet.yaml names it.
func (e env) fleetState() string {
	if d := e.getenv("WEIR_FLEET_STATE"); d != "" {
		return d
	}
	if d := e.getenv("WEIR_DATA"); d != "" {
		return filepath.Join(d, "state")
	}
	return filepath.Join("data-fleet", "state")
}

// fleetRegistry is the one in the state folder, which must be there: a wrong
// folder must not look like a fleet without installs.
func (e env) fleetRegistry() (registry.Registry, error) {
	dir := e.fleetState()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return registry.Registry{}, errors.New("no fleet in " + dir + ": WEIR_FLEET_STATE names the folder that its gateways share")
	} else if err != nil {
		return registry.Registry{}, err
	}
	return registry.Registry{FS: vfs.OS, Dir: dir}, nil
}
