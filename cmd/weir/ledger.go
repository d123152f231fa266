package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/ledger"
)

func ledgerCommands() []command {
	return []command{
		{
			name: "ledger tail", usage: "[--json] [-n N] [--follow]", short: "Show the last N records (20) of what left or waits to leave.",
			run: runLedgerTail,
		},
		{
			name: "ledger verify", usage: "[--json] [--checkpoint FILE]", short: "Check the whole ledger, also against a checkpoint kept elsewhere.",
			run: runLedgerVerify,
		},
	}
}

// ledgerDir is where the edge keeps its ledger.
func (e env) ledgerDir() string { return filepath.Join(e.dataDir(), "ledger") }

// ledgerError adds what to do when there is no ledger.
func (e env) ledgerError(err error) error {
	if errors.Is(err, ledger.ErrNone) {
		return fmt.Errorf("no ledger in %s: the edge makes it when it starts; WEIR_DATA names the data folder", e.ledgerDir())
	}
	return err
}

// parseLedgerFlags parses args, of which none may be left over.
func parseLedgerFlags(fs *flag.FlagSet, usage string, args []string) error {
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	if err == nil && fs.NArg() > 0 {
		err = errors.New("too many")
	}
	if err != nil {
		return fmt.Errorf("%w: usage: weir %s %s", errUsage, fs.Name(), usage)
	}
	return nil
}

// plain keeps what a tampered file says from steering the terminal.
func plain(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.QuoteToASCII(s)
	}
	return s
}
