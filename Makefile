# Trunkline.  `make help` lists the targets.  Everything that is built lands in build/<profile>/.
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

PROFILE ?= debug
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(PROFILE)
PYTHON := /usr/bin/python3

# ---- rooms (house.md): which directories make which library
COMMON_DIRS  := common/base common/model common/wire
CONTROL_DIRS := control/store control/auth control/change control/publish control/verify control/api control/server
EDGE_DIRS    := dataplane/net dataplane/http dataplane/h1 dataplane/h2 dataplane/client dataplane/route \
                dataplane/origin dataplane/proxy dataplane/worker dataplane/supervisor

# ---- flags
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
        -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
LINK_HARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS_debug   := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_release := -O2 -g -fno-plt -D_FORTIFY_SOURCE=3
CFLAGS_tsan    := -O1 -g -fsanitize=thread
CFLAGS_cover   := -O0 -g --coverage
LDFLAGS_debug   := -fsanitize=address,undefined
LDFLAGS_tsan    := -fsanitize=thread
LDFLAGS_cover   := --coverage
CFLAGS  := -std=c11 -D_GNU_SOURCE -I. $(WARN) $(HARDEN) $(CFLAGS_$(PROFILE)) $(EXTRA_CFLAGS)
LDFLAGS := $(LINK_HARDEN) $(LDFLAGS_$(PROFILE))
BANNED  := -include common/base/banned.h

LIBS_COMMON  := -ljansson -lsodium -lcrypto
LIBS_CONTROL := -lmicrohttpd -lsqlite3 -luv -lcares -lidn2 -lssl $(LIBS_COMMON) -lpthread
LIBS_EDGE    := -lseccomp -lnghttp2 -lsqlite3 -lcares -luv -lssl $(LIBS_COMMON) -lpthread

# ---- what there is
sources = $(sort $(foreach d,$(1),$(wildcard $(d)/*.c)))
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
HEADERS := $(sort $(wildcard common/*/*.h control/*/*.h dataplane/*/*.h))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*/*/test_*.c))
UNITS := $(patsubst %.c,$(B)/%,$(UNIT_SOURCES))
UNIT_SUPPORT := $(sort $(wildcard tests/unit/support/*.c))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

include mk/deps.mk
include mk/sdk.mk
include mk/tests.mk
include mk/control.mk
include mk/edge.mk
include mk/install.mk

# ---- programs
build: $(B)/trunkline-control $(B)/trunkline-edge ## both programs in build/debug, with ASan and UBSan (the default)
release: ## both programs in build/release: what users and benchmarks run
	@$(MAKE) PROFILE=release build
asan: ## the same as the default build: PROFILE=debug
	@$(MAKE) PROFILE=debug build
tsan: ## both programs in build/tsan, with ThreadSanitizer
	@$(MAKE) PROFILE=tsan build

$(B)/libcommon.a: $(call objects,$(COMMON_DIRS))
$(B)/libcontrol.a: $(call objects,$(CONTROL_DIRS))
$(B)/libedge.a: $(call objects,$(EDGE_DIRS))
$(B)/lib%.a:
	@rm -f $@ && $(AR) rcs $@ $^

$(B)/trunkline-control: $(B)/control/main.o $(B)/libcontrol.a $(B)/libcommon.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS_CONTROL)
$(B)/trunkline-edge: $(B)/dataplane/main.o $(B)/libedge.a $(B)/libcommon.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_EDGE)

$(B)/%.o: %.c Makefile | $(DEPS_STAMP)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS) $(BANNED) -MMD -MP -c -o $@ $<

headers: ## checks that each header compiles alone
	@set -e; for h in $(HEADERS); do $(CC) $(CFLAGS) -fsyntax-only -x c $$h || exit 1; done; echo "$(words $(HEADERS)) headers compile alone"

run: ## control, an edge, two nginx origins and a demo account, on loopback
	@$(MAKE) -j2 PROFILE=release build
	@$(PYTHON) tests/demo/run.py --build build/release

format: ## clang-format over the C sources
	@git ls-files '*.c' '*.h' | xargs clang-format -i
format-check: ## fails where clang-format would change something
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

clean: ## removes build/
	@rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | expand -t 16

.PHONY: build release asan tsan headers run format format-check clean help
-include $(shell find $(B) -name '*.d' 2>/dev/null)
