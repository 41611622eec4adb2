# Everything that is done with this project. `make help` lists it.

# What the demo runs: `cold` is Pulsar, the sink and HDFS; `full` is all, with Hive, ClickHouse and Superset.
LAYERS := full
ifeq ($(filter $(LAYERS),cold full),)
$(error LAYERS=$(LAYERS) is not possible: LAYERS=full and LAYERS=cold are)
endif

target  := $(abspath $(or $(CARGO_TARGET_DIR),target))
library := $(target)/release/libpulsar_io_hdfs_csv.so
nar     := java-shim/target/pulsar-io-hdfs-csv-0.1.0.nar
stack   := $(target)/release/hdfs-csv-stack
mvn     := mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never --file java-shim/pom.xml
mvn_jmh := $(subst java-shim/,bench/jmh/,$(mvn))

# Says what begins, and when.
say = @echo "[$$(date +%T)] $(1)"

.NOTPARALLEL:
.PHONY: help build nar demo dashboards down test quick unit integration faults bench bench-growth bench-report micro deny clean always

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(library) ## Build everything in release: the connector's library and the commands

nar: $(nar) ## Build the connector's archive for Pulsar: java-shim/target/*.nar

demo: $(nar) ## Send 200,000 events through Pulsar to HDFS, Hive and ClickHouse, compare, draw the dashboards; LAYERS=cold: HDFS only
	$(target)/release/hdfs-csv-demo --layers $(LAYERS) --connector $(nar)

down: ## Stop the demo's services
	@if [ -x $(stack) ]; then $(stack) down --name demo; else echo "nothing was started here"; fi

test: quick unit $(nar) integration ## Run all checks and all tests, on real services too
	$(call say,all tests passed)

dashboards: ## Write conf/superset again, from the schemas and dashboards/
	python3 -B dashboards/generate.py

quick: ## Check formats and lints, and run Java's unit tests
	tool/fetch-protoc
	cargo fmt --all --check
	python3 -B dashboards/generate.py --check
	cd dashboards && python3 -B -m unittest --quiet
	$(call say,Java: format and unit tests)
	$(mvn) spotless:check test
	$(mvn_jmh) spotless:check
	$(call say,lints)
	cargo clippy --workspace --all-targets -- -D warnings

unit: ## Run Rust's unit tests
	tool/fetch-protoc
	$(call say,Rust unit tests)
	cargo test --release --workspace --lib --bins
	cargo test --release --workspace --doc
	$(call say,rows against Python's fastavro; tables on ClickHouse's engine)
	cargo test --release --workspace --lib -- --ignored fastavro clickhouse

integration: $(nar) ## Run the tests on real services, or one file of them: TEST=readers
	$(call say,tests on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) cargo test --release --workspace --no-fail-fast --test '$(or $(TEST),*)' -- --test-threads=2

bench: $(nar) ## Measure the sink against one that does nothing and Pulsar's own: target/bench/report.json
	$(call say,benchmarks on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench run

bench-growth: $(nar) ## Measure how time and memory grow with rows, partitions, sizes: target/bench/growth.json
	$(call say,growth on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench growth

bench-report: $(library) ## Write docs/performance.md's tables and charts from target/bench
	$(target)/release/hdfs-csv-bench report

faults: $(nar) ## Do faults of every kind at random, FAULT_MINUTES=15 long: target/faults/report.json says what came of it
	$(call say,faults at random on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) FAULT_MINUTES=$(or $(FAULT_MINUTES),15) cargo test --release --workspace --test faults -- --nocapture

micro: $(nar) ## Measure the hot path alone, a part of what `make bench` does
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench run --only micro

deny: ## Check licences and advisories of what is linked, with cargo-deny (cargo install --locked cargo-deny)
	cargo deny --workspace check

clean: down ## Remove everything that was built
	rm -rf $(target) target java-shim/target

# An interrupted build is Cargo's to go on with.
.PRECIOUS: $(library)

# Cargo decides what is new. One selection of packages for all, so that nothing is compiled twice.
$(library): always
	tool/fetch-protoc
	$(call say,release build)
	cargo build --release --workspace

$(nar): $(library) java-shim/pom.xml $(shell find java-shim/src/main -type f)
	$(call say,connector archive)
	$(mvn) package -DskipTests -Dnative.library.dir=$(target)/release
	@touch $@

always:
