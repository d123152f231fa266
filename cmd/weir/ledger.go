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
		{
			name: "ledger show", usage: ledgerShowUsage, short: "Show one record in words and in bytes: what left, why, whose it is, the proof.",
			run: runLedgerShow,
		},
		{
			name: "ledger stats", usage: ledgerStatsUsage, short: "Show how much leaves a day, by the policy's entry and by destination.",
			run: runLedgerStats,
		},
		{
			name: "ledger export", usage: ledgerExportUsage, short: "Write what waits, with its proofs, into one signed file for a fleet behind an air gap.",
			run: runLedgerExport,
		},
		{
			name: "ledger import", usage: ledgerImportUsage, short: "Record the receipts that such a fleet gave back.",
			run: runLedgerImport,
		},
		{
			name: "ledger reconcile", usage: ledgerReconcileUsage, short: "Compare the ledger with a fleet's receipts: what either side lacks or has changed.",
			run: runLedgerReconcile,
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

// errStop ends a reading early.
var errStop = errors.New("stop")

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
