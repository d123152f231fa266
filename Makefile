# Everything that people and CI do here. `make help` lists it.
SHELL   := /bin/sh
TAGS    := remove_all_sd
# Static binaries; one setting for builds and tests, so that they share a cache.
export CGO_ENABLED := 0
VERSION := $(shell sed -n 's/^  version: //p' builder-config.yaml)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
STAMP   := github.com/weir-telemetry/weir/internal/version
LDFLAGS := -s -w -X $(STAMP).Version=$(VERSION) -X $(STAMP).Commit=$(COMMIT)
RACE    := ./redaction/... ./ledger/... ./localstore/logstore/... ./localstore/logql/... ./localstore/rules/... ./localstore/api/... ./console/... ./extensions/consoleextension/... ./processors/... ./connectors/... ./vitals/... ./receivers/... ./fleet/... ./internal/bounded/... ./test/fleet/... ./telemetry/... ./internal/ownmetrics/... ./exporters/upstreamexporter/... ./extensions/policyextension/...
# Linked, and never run for a record: their code is compiled without inlining,
# which makes the binary 5% smaller (docs/decisions/0020).
COLD    := k8s.io sigs.k8s.io github.com/aws github.com/go-openapi github.com/google/gnostic-models github.com/pb33f go.mongodb.org gonum.org
BUILD   := go build -tags $(TAGS) -trimpath -ldflags '$(LDFLAGS)' $(COLD:%=-gcflags=%/...=-l)

.PHONY: help run demo build test lint race generate rules size fuzz clean bin/weir-collector bin/weir bin/demo-shop bin/demo-compare

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 20

run: build ## build and start the edge, data in ./data
	@exec ./bin/weir-collector --config config/edge.yaml

demo: build bin/demo-shop bin/demo-compare ## edge, fleet and a sample product, side by side
	@exec sh demo/run.sh

build: bin/weir-collector bin/weir ## bin/weir-collector and bin/weir, stripped and stamped

bin/weir-collector:
	@echo "building $@ (the first time takes some minutes)"
	@$(BUILD) -o $@ ./collector
bin/weir:
	@$(BUILD) -o $@ ./cmd/weir
bin/demo-shop:
	@$(BUILD) -o $@ ./demo/shop
bin/demo-compare:
	@$(BUILD) -o $@ ./demo/compare

test: build bin/demo-shop bin/demo-compare bin/tools ## all tests that need no other server
	@go test -tags $(TAGS) $(GOTESTFLAGS) ./...

race: ## the packages that share memory, under the race detector
	CGO_ENABLED=1 go test -race -tags $(TAGS) -short $(RACE)

fuzz: ## every fuzz target for FUZZTIME (default 30s) each
	@sh scripts/fuzz.sh $(or $(FUZZTIME),30s)

lint: bin/tools ## gofmt, vet, staticcheck
	@bad=$$(git ls-files '*.go' | xargs gofmt -l); if [ -n "$$bad" ]; then echo "not gofmt'ed:"; echo "$$bad"; exit 1; fi
	go vet -tags $(TAGS) ./...
	bin/tools/staticcheck -tags $(TAGS) ./...

generate: bin/tools ## collector/ from builder-config.yaml, components' metadata
	bin/tools/builder --skip-get-modules --skip-compilation --config builder-config.yaml
	@rm -f collector/go.mod && gofmt -w collector
	@for f in $$(git ls-files '*/metadata.yaml'); do echo "mdatagen $$f"; (cd $$(dirname $$f) && $(CURDIR)/bin/tools/mdatagen metadata.yaml) || exit 1; done

bin/tools: tools/go.mod tools/go.sum
	@mkdir -p $@ && go build -C tools -o ../bin/tools/ tool && touch $@

rules: bin/tools/promtool ## check and test the recording and alerting rules, by promtool
	bin/tools/promtool check rules dashboards/rules/*.yaml
	bin/tools/promtool test rules dashboards/rules/tests/*.yaml

bin/tools/promtool: tools/promtool/go.mod tools/promtool/go.sum
	@mkdir -p bin/tools && go build -C tools/promtool -tags $(TAGS) -o ../../$@ github.com/prometheus/prometheus/cmd/promtool

.PHONY: compose
compose: bin/tools/compose ## read deploy/compose.yaml as docker compose does, starting nothing
	bin/tools/compose deploy/compose.yaml

bin/tools/compose: tools/compose/main.go tools/compose/go.mod tools/compose/go.sum
	@mkdir -p bin/tools && go build -C tools/compose -o ../../$@ .

size: build ## the three figures of lightness: binary, idle memory, start
	@sh scripts/size.sh

clean: ## remove what was built, keep the data
	rm -rf bin

# Loki is a program of its own, built from a module of its own (AGPL): nothing of
# it is linked. The first build takes some minutes.
.PHONY: peers bin/peers/loki
bin/peers/loki:
	@mkdir -p bin/peers && go build -C bench/peers/loki -trimpath -ldflags '-s -w' -o ../../../bin/peers/ tool

peers: bin/weir-collector bin/peers/loki ## ask the real Loki and Weir the same questions, exits 1 if an answer differs
	@go build -C bench/peers/loki -o ../../../bin/peers/referee . && bin/peers/referee

.PHONY: peers-alertmanager
bin/peers/alertmanager: bench/peers/alertmanager/go.mod bench/peers/alertmanager/go.sum
	@mkdir -p bin/peers && go build -C bench/peers/alertmanager -trimpath -ldflags '-s -w' -o ../../../$@ github.com/prometheus/alertmanager/cmd/alertmanager

peers-alertmanager: bin/weir-collector bin/peers/alertmanager ## send an alert of the local store's rules to the real Alertmanager
	@go build -C bench/peers/alertmanager -o ../../../bin/peers/alertmanager-test . && bin/peers/alertmanager-test

.PHONY: bench-redaction
bench-redaction: ## the engine against its peers, exits 1 if a figure falls short
	@mkdir -p bin && cd bench && go build -tags $(TAGS) -o ../bin/bench-redaction ./redaction
	@bin/bench-redaction -o bench/results

.PHONY: bench-mask
bench-mask: ## masking against a byte loop, regular expressions and contrib; exits 1 if a figure falls short
	@go -C bench run -tags $(TAGS) ./mask -results results/mask.md

.PHONY: soak
soak: build ## kills, power cuts, failing syncs and full disks by the hundred; PARTS="logs-kill faults" for some; goes on where it was interrupted; needs root, loop devices and strace
	@sh scripts/soak.sh $(TAGS) $(PARTS)

.PHONY: dashboards grafana
dashboards: ## render the dashboards from dashboards/src into their JSON, which is committed (needs Node 20.19 or newer)
	cd dashboards && npm ci --no-audit --no-fund --loglevel=error && npm run --silent render
	@go run ./console/pack

grafana: ## hold the Grafana at GRAFANA_URL (GRAFANA_TOKEN if it wants one) against the dashboards: provisioned, and every query answered
	go test -tags '$(TAGS) grafana' -count=1 -v -run Grafana ./dashboards

.PHONY: console test-console
console: ## build the web pages into console/dist, which is committed (needs Node 20.19 or newer)
	cd console && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build
	@go run ./console/pack

test-console: console ## the web pages' own tests
	cd console && npx vitest run

.PHONY: bench-fleet
bench-fleet: bin/weir-collector ## ten thousand installs against one gateway, some minutes; exits 1 if a figure falls short
	@cd bench && go build -tags $(TAGS) -o ../bin/bench-fleet ./fleet
	@bin/bench-fleet -o bench/results

.PHONY: test-browser
test-browser: build bin/demo-shop ## the web pages in a real Chromium, over a real edge; screenshots go to bin/shots
	cd console && node --test --test-reporter=spec test/browser.mjs

.PHONY: bench-logs
bench-logs: bin/weir-collector bin/peers/loki ## the log store against zstd and the real Loki (make peers); MB=64 for a trial, KEEP=file to go on part by part; exits 1 if a figure falls short
	@go -C bench build -tags $(TAGS) -o ../bin/bench-logs ./logs
	@bin/bench-logs -mb $(or $(MB),1000) $(if $(KEEP),-keep $(KEEP)) -o bench/results
