# Every kind of test and the question that it answers: tests/README.md.

test: $(DEPS_STAMP) $(SDK_STAMP) ## every test: tidy, unit, fuzz-replay, integration
	@$(PYTHON) tests/run.py --build $(B) --jobs 2

tidy: ## is the house in order? (layers, seams, sizes, names, banned calls)
	@$(PYTHON) tests/tidy/tidy.py

unit-build: $(UNITS)
unit: ## does each room work alone? (T=common/base/buf for one file)
	@$(PYTHON) tests/run.py --build $(B) --only unit $(if $(T),--match $(T))

integration: build $(SDK_STAMP) ## does a request, a change really travel? (T=test_03 for one file)
	@$(PYTHON) tests/run.py --build $(B) --only integration $(if $(T),--match $(T))

# A unit test is one program; what it links follows from the room it stands in.
unit_libs = $(if $(filter tests/unit/common/%,$(1)),$(B)/libcommon.a,$(if \
              $(filter tests/unit/control/%,$(1)),$(B)/libcontrol.a $(B)/libcommon.a,$(B)/libedge.a $(B)/libcommon.a))
unit_extern = $(if $(filter tests/unit/common/%,$(1)),$(LIBS_COMMON),$(if \
              $(filter tests/unit/control/%,$(1)),$(LIBS_CONTROL),$(LIBS_EDGE)))
unit_support = $(if $(filter tests/unit/dataplane/%,$(1)),$(patsubst %.c,$(B)/%.o,$(UNIT_SUPPORT)))

define unit_rule
$(B)/$(patsubst %.c,%,$(1)): $(B)/$(patsubst %.c,%.o,$(1)) $(call unit_support,$(1)) $(call unit_libs,$(1))
	@$$(CC) $$(LDFLAGS) -o $$@ $$^ $(call unit_extern,$(1)) -lcmocka
endef
$(foreach t,$(UNIT_SOURCES),$(eval $(call unit_rule,$(t))))

# Test programs may use what the product may not, so banned.h is not in front of them.
$(B)/tests/%.o: BANNED :=

# ---- fuzzing: the same target runs under libFuzzer (clang) and, for replay, under a plain main (gcc)
FUZZ_B := build/fuzz
# An archive, so that a target links only what it calls: the parsers of h1 without its connections.
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -I. -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SUPPORT := tests/unit/support/fake_transport.c tests/unit/support/script_side.c
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_B)/%.o,$(FUZZ_SUPPORT) \
                  $(call sources,$(COMMON_DIRS) dataplane/net dataplane/http dataplane/h1 dataplane/h2))
SECONDS ?= 60
$(FUZZ_B)/%.o: %.c mk/tests.mk
	@mkdir -p $(@D)
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(BANNED) -MMD -MP -c -o $@ $<
$(FUZZ_B)/libfuzz.a: $(FUZZ_OBJECTS)
	@rm -f $@ && $(AR) rcs $@ $^
$(FUZZ_B)/%: tests/fuzz/fuzz_%.c $(FUZZ_B)/libfuzz.a
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -Wl,--as-needed $(LIBS_EDGE)
fuzz: ## fuzzes one target: make fuzz T=h1_parse SECONDS=60
	@test -n "$(T)" || { echo "name a target: make fuzz T=<one of: $(FUZZERS)>"; exit 2; }
	@$(MAKE) deps-fuzz
	@$(MAKE) $(FUZZ_B)/$(T)
	@mkdir -p tests/fuzz/corpus/$(T)
	@$(FUZZ_B)/$(T) -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=$(FUZZ_B)/$(T)- tests/fuzz/corpus/$(T)
-include $(shell find $(FUZZ_B) -name '*.d' 2>/dev/null)

REPLAYERS := $(patsubst %,$(B)/tests/fuzz/replay_%,$(FUZZERS))
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay_main.o \
                             $(patsubst %.c,$(B)/%.o,$(FUZZ_SUPPORT)) $(B)/libedge.a $(B)/libcommon.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_EDGE)
replayers: $(REPLAYERS)
fuzz-replay: ## do old crashes stay dead? (the corpus through the same targets)
	@$(PYTHON) tests/run.py --build $(B) --only fuzz-replay

lint: deps-lint ## clang's warnings, clang-tidy and cppcheck over the C sources
	@$(MAKE) PROFILE=clang CC=clang build
	@cppcheck --quiet --enable=warning,portability --inline-suppr --error-exitcode=1 -I. common control dataplane
	@git ls-files 'common/*.c' 'control/*.c' 'dataplane/*.c' | \
	    xargs -P 2 -n 8 sh -c 'clang-tidy --quiet "$$@" -- -std=c11 -D_GNU_SOURCE -I.' lint

bench: deps-bench ## scorecard beside haproxy, nghttpx and nginx, one interleaved run
	@$(MAKE) PROFILE=release build
	@$(PYTHON) tests/bench/scorecard.py --build build/release $(BENCH_ARGS)

bench-control: ## a control with 1,000,000 zones: changes, reads, lists, start, memory
	@$(MAKE) PROFILE=release build
	@$(PYTHON) tests/bench/control_scale.py --build build/release $(BENCH_ARGS)

.PHONY: bench-control test tidy unit unit-build integration fuzz replayers fuzz-replay lint bench
