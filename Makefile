# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

# `make` lists the targets. Each installs what it misses (.ci/setup) and leaves alone what is there.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# For `make run`: arguments of `belfry serve`; for `make bench` and `make bench-full`: of the driver, as ARGS="--quick".
ARGS ?=
# Names of tests, a regular expression, for `make test`, `make tsan` and `make asan`.
FILTER ?=
FUZZ_SECONDS ?= 60
# For `make autobahn`: all, or quick, which leaves out limits and compression.
SUITE ?= all

SWIFT_FILES = git ls-files --cached --others --exclude-standard -z -- '*.swift'
# What the sanitisers run: everything that shares memory between threads, one test at a time, since each is slow.
SANITISED := $(if $(FILTER),$(FILTER),^(BelfryIOTests|BelfryTests|BelfryHistoryTests|BelfryHTTPTests|BelfryTLSTests|BelfryPocketsocketTests|BelfryWatchboxTests|BelfryChatBoxTests|BelfryIRCTests|BelfryDiscordTests|BelfryMissionCommanderTests|BelfryNucosMQTests)\.)

# Original clients lose large messages when they are not scheduled in time, so the tests with other programs
# (InteropTests) have the machine to themselves, one after the other.
TEST = swift test --skip-build --disable-xctest
# All unit tests at once starve those that wait for a time.
FEW = --experimental-maximum-parallelization-width 6

.PHONY: help run test autobahn bench bench-full bench-check bench-report microbench fuzz tsan asan format lint docs clean

help: ## This list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1   \2/p' Makefile

run: ## Build the broker and serve on 127.0.0.1, ports 4000, 8001 and 30000, until Ctrl-C. ARGS= goes to `belfry serve`.
	@.ci/setup build
	swift build -c release --product belfry
	@exec "$$(swift build -c release --show-bin-path)/belfry" serve $(ARGS)

test: ## Build everything, run all tests and the examples. FILTER= runs only matching tests.
	@.ci/setup test
	swift build --build-tests
	$(if $(FILTER),$(TEST) --filter '$(FILTER)',$(TEST) $(FEW) --skip InteropTests --skip '^BelfryTests\.' \
		&& $(TEST) $(FEW) --filter '^BelfryTests\.' \
		&& $(TEST) --no-parallel --filter InteropTests)
	$(if $(FILTER),,Examples/check)

autobahn: ## Run the Autobahn suite against our WebSocket server and client (needs Python 2.7). SUITE=quick is a minute.
	@.ci/setup test
	.ci/autobahn $(SUITE)

# The driver, with what it runs: the product, the load generator, the peers that are not Debian's.
BENCH = .ci/setup bench && swift build -c release --product belfry \
	&& (cd Benchmarks/Peers && swift build -c release) \
	&& cd Benchmarks && swift build -c release && PATH="$$PWD/Peers/.build/release:$$PATH" \
	"$$(swift build -c release --show-bin-path)/belfry-bench" \
	--belfry "$$(cd .. && swift build -c release --show-bin-path)/belfry"

bench: ## Measure belfry beside redis, NATS, mosquitto, NIO and Hummingbird (5 minutes). ARGS="--only fanout" for some rows.
	@$(BENCH) $(ARGS)

bench-full: ## The same with every row, protocol and engine (40 minutes at most).
	@$(BENCH) --full $(ARGS)

# All of one package, the product too: what the microbenchmarks have in common with it is compiled once.
bench-check: ## Hold kernel entries, allocations and instructions to Benchmarks/Thresholds, and test the report.
	@.ci/setup bench
	swift test --package-path Benchmarks/Report --disable-xctest
	cd Benchmarks && for product in belfry belfry-load belfry-bench; do \
		swift build -c release --product $$product || exit 1; \
	done
	Benchmarks/kernel-entries "$$(cd Benchmarks && swift build -c release --show-bin-path)/belfry"
	Benchmarks/allocations
	Benchmarks/instructions

bench-report: ## Render the newest results of `make bench` again and print the page's path. ARGS=--markdown for a README.
	@.ci/setup build
	@cd Benchmarks && swift build -c release --quiet --product belfry-report
	@cd Benchmarks && "$$(swift build -c release --show-bin-path)/belfry-report" $(ARGS)

microbench: ## Run the microbenchmarks and hold their allocations to Benchmarks/Thresholds.
	@.ci/setup bench
	Benchmarks/allocations

fuzz: ## Fuzz the codecs with libFuzzer, FUZZ_SECONDS= each (60).
	@.ci/setup build
	$(MAKE) -C Tests/Fuzz SECONDS=$(FUZZ_SECONDS)

tsan: ## Run the tests of the libraries under the thread sanitiser.
	@.ci/setup test
	TSAN_OPTIONS="halt_on_error=0 suppressions=$(CURDIR)/.ci/tsan-suppressions" SWIFT_BACKTRACE=enable=no \
		swift test --sanitize=thread --scratch-path .build-tsan --disable-xctest --no-parallel --filter '$(SANITISED)'

asan: ## Run the tests of the libraries under the address and leak sanitisers.
	@.ci/setup test
	ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$(CURDIR)/.ci/lsan-suppressions SWIFT_BACKTRACE=enable=no \
		swift test --sanitize=address --scratch-path .build-asan --disable-xctest --no-parallel --filter '$(SANITISED)'

format: ## Format the Swift files in place.
	@$(SWIFT_FILES) | xargs -0 swift format format --in-place --parallel

lint: ## Check the format of the Swift files.
	@$(SWIFT_FILES) | xargs -0 swift format lint --strict --parallel && echo "lint: clean"

docs: ## Build the documentation of the libraries below .build/docs.
	@.ci/setup build
	mkdir -p .build/docs
	for target in BelfryIO Belfry BelfryHistory BelfryHTTP BelfryPocketsocket BelfryWatchbox BelfryChatBox BelfryIRC BelfryDiscord; do \
		BELFRY_DOCS=1 swift package --scratch-path .build-docs --allow-writing-to-directory .build/docs \
			generate-documentation --target $$target --output-path .build/docs/$$target || exit 1; \
	done

clean: ## Remove what was built and fetched here.
	rm -rf .build .build-* .venv .venv-* Benchmarks/.build Benchmarks/Codecs/.build Benchmarks/Peers/.build Benchmarks/Report/.build Examples/.build Tests/Fuzz/.build
