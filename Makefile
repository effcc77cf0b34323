# Everything a contributor or CI runs. `make test` fetches the servers that the tests need; a server that cannot be had is
# named, and its tests are skipped (with CI=true: they fail).
SHELL := /bin/bash
FUZZTIME ?= 20s
SOAK_RECORDS ?= 1000000000
SOAK_MINUTES ?= 10
# A billion references spill 18 GB, and take half an hour of one core.
SOAK_REFERENCES ?= 1000000000
# Packages, and tests in one, at a time: twice the cores that CI has, for many wait for a server.
TESTS ?= 4

.PHONY: sizes build test race lint fmt fuzz golden gate bench bench-smoke soak snapshot servers tools

build:
	CGO_ENABLED=0 go build -trimpath -o kvtool ./cmd/kvtool

servers:
	scripts/servers

# What waits longest begins first. Lint has all of go vet's checks.
test: servers
	go test -vet=off -p $(TESTS) -parallel $(TESTS) ./cmd ./...

UNRACED = Stats|LookupDoesNotTouch|TouchesNothing|Ledger|ModelOnEachServer|FitAllocator|AgainstRedis|SameBytes
UNRACED := $(UNRACED)|InferThenCheck|Planted|Agree|RulesByCommand|TestScripts|DriftSnapshots|ResumedAudit|SampledBudgets|DynamoDBTable
UNRACED := $(UNRACED)|TestRights|TestPlots|PictureOf|HotkeysByLFU|TTLOfAServer|AdviceOnAServer|SkewOfOperations

# The packages that share something between goroutines; the structures of the engine are under its locks, and some tests ask a
# server one thing after the other, or reckon, or say what a whole run prints, of whose parts there are tests here. Needs a C compiler.
race:
	go test -race -short -p $(TESTS) -parallel $(TESTS) -skip '$(UNRACED)' \
		./cmd/... ./kv/... ./audit/... ./adapters ./adapters/keylist ./adapters/rdb ./adapters/redis ./adapters/reference \
		./adapters/reference/keyspace ./adapters/reference/engine ./adapters/reference/server ./adapters/reference/conformance \
		./internal/rdbread/...

tools:
	scripts/tools

lint: tools
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	"$$(scripts/tools path)/golangci-lint" run ./...

fuzz:
	scripts/fuzz $(FUZZTIME)

fmt: tools
	"$$(scripts/tools path)/golangci-lint" fmt ./...

golden:
	go test ./report/render ./tui ./cmd -update

# kvtool checks a dump of its own with itself: the schema, budgets, baseline and suppressions of testdata/gate. The day is fixed,
# so that no suppression ends. What is new fails, and so does an entry that is out of date.
gate:
	cd testdata/gate && go run ../../cmd/kvtool keydesign check ../rdb/depth.rdb --now 2026-11-26 --strict

# How far the model of sizes is off, encoding by encoding, on each server there is: the table of docs/support.md.
sizes: servers
	go test -count=1 -v -run TestModelOnEachServer ./internal/rdbread

# Half an hour on two cores. Some sections alone: make bench BENCHFLAGS='-only export,sizes'
bench:
	go test -run '^$$' -bench . -benchmem ./...
	cd bench && go run . -check $(BENCHFLAGS)

bench-smoke:
	cd bench && go vet ./... && go test ./... && go run . -smoke

soak:
	cd bench && go run ./soak -n $(SOAK_RECORDS)
	scripts/soak-dumps $(SOAK_MINUTES)
	scripts/soak-engine $(SOAK_MINUTES)
	scripts/soak-load
	scripts/soak-triage
	scripts/soak-fleet
	KVTOOL_SOAK=1 go test -count=1 -run 'Halves|SixChanges|HeavyPrecision|Accuracy|OrderAndShards|Soak|ConcurrentWriter' \
		./drift/compare ./drift/orphans ./internal/sketch ./keydesign/infer
	KVTOOL_SOAK=1 go test -count=1 -run 'LiveAndDumpAgree|DepthsAgree' ./cmd
	KVTOOL_SOAK=1 go test -count=1 -run StoredFalseAlarms ./loadgen/compare
	go test ./drift/orphans -run 'TestStream$$' -v -count=1 -timeout 3h -references $(SOAK_REFERENCES)

snapshot: tools
	"$$(scripts/tools path)/goreleaser" check
	"$$(scripts/tools path)/goreleaser" build --snapshot --clean --single-target
