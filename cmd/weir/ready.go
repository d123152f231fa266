package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const readyUsage = "[--url URL]"

func readyCommands() []command {
	return []command{{
		name: "ready", usage: readyUsage, short: "Is the edge up and its store open? Of a fleet: --url http://127.0.0.1:7171. For health checks.",
		run: runReady,
	}}
}

// readyWithin is short: who asks for health asks again.
const readyWithin = 2 * time.Second

// runReady asks /ready. What a server says beside its status is not repeated: it
// could be anybody's.
func runReady(e env, args []string) int {
	base := ""
	rest, err := parseArgs("ready", readyUsage, args, func(fs *flag.FlagSet) { fs.StringVar(&base, "url", "", "") })
	if err != nil {
		return e.fail(err)
	}
	if base == "" {
		base = "http://127.0.0.1:7070"
		if listen := e.getenv("WEIR_LISTEN"); listen != "" {
			base = "http://" + listen
		}
	}
	if u, err := url.Parse(base); len(rest) != 0 || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return e.fail(fmt.Errorf("%w: usage: weir ready %s; URL such as http://127.0.0.1:7070", errUsage, readyUsage))
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/ready", nil)
	if err != nil {
		return e.fail(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintf(e.err, "weir: nobody answers at %s\n", base)
		return exitNo
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		fmt.Fprintf(e.err, "weir: %s answers with %d\n", base, answer.StatusCode)
		return exitNo
	}
	fmt.Fprintln(e.out, "ready")
	return exitYes
}
