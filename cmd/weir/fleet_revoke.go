package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/weir-telemetry/weir/fleet/registry"
)

const fleetRevokeUsage = "[--json] INSTALL"

func runFleetRevoke(e env, args []string) int {
	var asJSON bool
	ids, err := parseArgs("fleet revoke", fleetRevokeUsage, args, func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "") })
	if err != nil {
		return e.fail(err)
	}
	if len(ids) != 1 {
		return e.fail(fmt.Errorf("%w: usage: weir fleet revoke %s", errUsage, fleetRevokeUsage))
	}
	r, err := e.fleetRegistry()
	if err != nil {
		return e.fail(err)
	}
	in, err := r.Revoke(ids[0], time.Now())
	if errors.Is(err, registry.ErrUnknown) {
		fmt.Fprintf(e.err, "weir: %s has never enrolled with the fleet in %s: is it the whole id, and the right folder?\n", plain(ids[0]), e.fleetState())
		return exitNo
	}
	if err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(in, exitYes)
	}
	fmt.Fprintf(e.out, "Revoked: %s of %s, all %d enrolments. Its reports are refused from now on; it keeps them.\n", in.ID, in.Customer, len(in.Enrolments))
	fmt.Fprintf(e.out, "To let it in again: weir fleet enroll %s\n", in.Customer)
	return exitYes
}
