# What the project needs from Debian 12, by name; `make deps` is idempotent and quick when nothing is missing.
DEPS_BUILD := libmicrohttpd-dev libsqlite3-dev libjansson-dev libuv1-dev libnghttp2-dev libssl-dev libc-ares-dev \
              libsodium-dev libseccomp-dev libidn2-dev
DEPS_RUN   := nginx-light curl openssl python3
DEPS_TEST  := libcmocka-dev python3-pytest python3-h2 python3-cryptography python3-yaml python3-jsonschema \
              nghttp2-client sqlite3 python3-websockets python3-grpcio haproxy \
              python3-cloudflare python3-certbot-dns-cloudflare ddclient libio-socket-ssl-perl
# Where node and npm come from elsewhere, Debian's would be in their way.
DEPS_TEST  += $(if $(shell command -v node),,nodejs) $(if $(shell command -v npm),,npm)
DEPS_BENCH := haproxy nghttp2-proxy nginx-light nghttp2-client linux-perf valgrind
DEPS_FUZZ  := clang libclang-rt-14-dev
DEPS_LINT  := clang clang-tidy clang-format cppcheck

DEPS_STAMP := build/.deps

deps: ## installs the Debian packages that the build, the demo and the tests need
	@sh mk/install.sh $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)
deps-bench:
	@sh mk/install.sh $(DEPS_BENCH)
deps-fuzz:
	@sh mk/install.sh $(DEPS_FUZZ)
deps-lint:
	@sh mk/install.sh $(DEPS_LINT)

$(DEPS_STAMP): mk/deps.mk
	@mkdir -p build
	@sh mk/install.sh $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)
	@touch $@

.PHONY: deps deps-bench deps-fuzz deps-lint
