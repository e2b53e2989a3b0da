# make demo   both example pipelines, end to end
# make test   everything that must hold, with the race detector
GO ?= go
STEPWELL := bin/stepwell
DATA := .stepwell
SHARED ?= ../shared
export CGO_ENABLED = 1

.PHONY: build demo test bench lint conformance e2e e2e-clients e2e-dbt tpc crash fuzz generate

build:
	$(GO) build -o $(STEPWELL) ./cmd/stepwell

demo: build
	$(STEPWELL) run examples/reviews --data-dir $(DATA)
	$(STEPWELL) run examples/sales --data-dir $(DATA) --time-scale 0

test: lint
	$(GO) test -race ./...

# tools/lint reads files of another module, of which go test's cache knows nothing: -count=1.
lint:
	test -z "$$(gofmt -l cmd internal test tools)"
	$(GO) vet ./...
	cd tools && $(GO) vet ./... && $(GO) test -count=1 ./...
	cd tools && $(GO) build -o $(CURDIR)/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...

generate:
	cd tools && $(GO) run ./awsgen

# Recorded and documented answers; test/conformance/ lists what is known to fail, and why.
conformance: build
	test/conformance.sh $(STEPWELL) $(SHARED)/conformance

# Real clients against a running server: AWS CLI, boto3, psql, redshift-connector.
e2e: build
	test/e2e.sh $(STEPWELL)

# The clients that take long to install: JDBC (Java and Maven), SQLAlchemy, awswrangler.
e2e-clients: build
	E2E_CLIENTS=clients test/e2e.sh $(STEPWELL)

# A dbt project with dbt-redshift.
e2e-dbt: build
	E2E_CLIENTS=dbt test/e2e.sh $(STEPWELL)

# TPC-DS and TPC-H: every query answers as DuckDB's own does. SCALE=0.1 is quicker.
SCALE ?= 1
tpc: build
	test/tpc.sh run $(STEPWELL) $(SCALE)

# The server is killed at random instants while executions of all kinds run, and its disk fails. CRASH=-short takes two minutes.
crash: build
	$(GO) test -count 1 -v -timeout 30m $(CRASH) ./test/crash -stepwell $(CURDIR)/$(STEPWELL)

bench: build
	$(GO) test -run '^$$' -bench . -benchtime 1x ./test/bench -stepwell $(CURDIR)/$(STEPWELL)
	STEPWELL_TPC=$$(test/tpc.sh data) $(GO) test -run '^$$' -bench . -benchtime 1x ./internal/warehouse
	$(GO) test -run '^$$' -bench . ./internal/store ./internal/service/states ./internal/wire ./internal/rsql ./internal/asl/...

# Every fuzz test, one after the other; one that fails does not keep the rest from running.
# make fuzz FUZZ=./internal/asl/... FUZZTIME=10m is the language alone, longer.
FUZZ ?= ./...
FUZZTIME ?= 60s
fuzz:
	@status=0; for p in $$($(GO) list $(FUZZ)); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$p $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s $$p || status=1; \
	  done; \
	done; exit $$status
