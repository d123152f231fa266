package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

const fleetListUsage = "[--json] [--sort install|customer|version|age|state|errors|headroom|revision] [--state STATE] [--customer NAME] [--version V] [--ring RING] [--url URL]"

// fleetOrder compares installs by a column; what support looks for comes first.
var fleetOrder = map[string]func(a, b *installState) int{
	"install":  func(a, b *installState) int { return 0 },
	"customer": func(a, b *installState) int { return cmp.Compare(a.Customer, b.Customer) },
	"version": func(a, b *installState) int {
		return cmp.Or(b.Behind-a.Behind, cmp.Compare(a.versionText(), b.versionText()))
	},
	"age": func(a, b *installState) int { return cmp.Compare(b.AgeSeconds, a.AgeSeconds) },
	"state": func(a, b *installState) int {
		return slices.Index(fleetStates, a.State) - slices.Index(fleetStates, b.State)
	},
	"errors":   func(a, b *installState) int { return cmp.Compare(orLess(b.ErrorRatio), orLess(a.ErrorRatio)) },
	"headroom": func(a, b *installState) int { return cmp.Compare(orMore(a.Headroom), orMore(b.Headroom)) },
	"revision": func(a, b *installState) int { return a.Revision - b.Revision },
}

func orLess(v *float64) float64 {
	if v == nil {
		return -1
	}
	return *v
}

func orMore(v *float64) float64 {
	if v == nil {
		return 2
	}
	return *v
}

func runFleetList(e env, args []string) int {
	var (
		asJSON                                         bool
		order, state, customer, version, ring, address string
	)
	rest, err := parseArgs("fleet list", fleetListUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&order, "sort", "state", "")
		fs.StringVar(&state, "state", "", "")
		fs.StringVar(&customer, "customer", "", "")
		fs.StringVar(&version, "version", "", "")
		fs.StringVar(&ring, "ring", "", "")
		fs.StringVar(&address, "url", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(rest) != 0 || fleetOrder[order] == nil || state != "" && !slices.Contains(fleetStates, state) {
		return e.fail(fmt.Errorf("%w: usage: weir fleet list %s; STATE is one of %s", errUsage, fleetListUsage, strings.Join(fleetStates, ", ")))
	}
	store, err := e.fleetStore(address)
	if err != nil {
		return e.fail(err)
	}
	all, err := store.installs(context.Background(), "")
	if err != nil {
		return e.fail(err)
	}
	list := slices.DeleteFunc(slices.Collect(maps.Values(all)), func(i *installState) bool {
		return state != "" && i.State != state || customer != "" && i.Customer != customer || ring != "" && i.Ring != ring ||
			version != "" && !slices.Contains(slices.Collect(maps.Values(i.Versions)), version)
	})
	slices.SortFunc(list, func(a, b *installState) int {
		return cmp.Or(fleetOrder[order](a, b), cmp.Compare(a.Install, b.Install))
	})
	code := exitYes
	if len(list) == 0 {
		code = exitNo
	}
	if asJSON {
		if list == nil {
			list = []*installState{}
		}
		return e.json(list, code)
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INSTALL\tCUSTOMER\tRING\tVERSION\tLAST REPORT\tSTATE\tERRORS\tHEADROOM\tPOLICY")
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(i.Install), plain(orDash(i.Customer)), plain(orDash(i.Ring)), plain(orDash(i.versionText())),
			ago(i.AgeSeconds)+" ago", i.State, percent(i.ErrorRatio), percent(i.Headroom), revisionText(i.Revision))
	}
	_ = w.Flush()
	counts := map[string]int{}
	for _, i := range list {
		counts[i.State]++
	}
	fmt.Fprintf(e.out, "\n%d installs: %d silent, %d outdated, %d ok\n", len(list), counts[stateSilent], counts[stateOutdated], counts[stateOK])
	return code
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func revisionText(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
