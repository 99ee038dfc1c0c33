# enroll: every task has a line in `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# CC=clang builds with clang; SAN=1 adds ASan and UBSan, TSAN=1 is TSan, COVERAGE=1 counts lines; FUZZ=1 is clang for
# libFuzzer. Each variant has its own folder.
CC := gcc
SAN :=
TSAN :=
COVERAGE :=
FUZZ :=
ifneq ($(FUZZ),)
CC := clang
VARIANT := fuzz
else
VARIANT := $(if $(TSAN),tsan,$(if $(COVERAGE),coverage,$(if $(SAN),$(notdir $(CC))-san,$(if $(filter gcc,$(notdir $(CC))),,$(notdir $(CC))))))
endif
OUT := build$(if $(VARIANT),/$(VARIANT))
JOBS := $(shell nproc)
CACHE := $(shell command -v ccache)
# One short line a file; V=1 shows the commands, -s nothing.
Q := $(if $(V),,@)
SAY := $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),:,echo)

PKGS := libh2o-evloop libpq openssl libsodium libxml-2.0 jansson libcurl libutf8proc xlsxwriter libsystemd libzip
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
WARN := -Wall -Wextra -Wpedantic -Wno-overlength-strings -Wshadow -Wconversion -Werror
CPPFLAGS := -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -DH2O_USE_EPOLL=1 $(PKG_CFLAGS)
CFLAGS := -std=gnu17 -O2 -g -pthread -fno-omit-frame-pointer -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(WARN)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
ifneq ($(SAN)$(FUZZ),)
CFLAGS := -std=gnu17 -O1 -g -pthread -fno-omit-frame-pointer $(SANITIZE) $(if $(FUZZ),-fsanitize=fuzzer-no-link) $(WARN)
endif
ifneq ($(TSAN),)
CFLAGS := -std=gnu17 -O1 -g -pthread -fno-omit-frame-pointer -fsanitize=thread $(WARN)
endif
ifneq ($(COVERAGE),)
# gcc would have a child write its counts before execve(): one that may write no file (server/child.c) dies of it.
CFLAGS := -std=gnu17 -O0 -g -pthread --coverage -fprofile-update=atomic -fprofile-abs-path -fno-builtin-execve -fno-builtin-fork $(WARN)
endif
LDFLAGS := -pthread -rdynamic
LDLIBS := $(PKG_LIBS) -lmagic -lm -lcrypto -lssl -lz

MAINS := server/main.c server/ctl.c
SRC := $(filter-out $(MAINS),$(wildcard server/base/*.c forms/*.c db/*.c workflow/*.c server/*.c server/pages/*.c))
OBJ := $(SRC:%.c=$(OUT)/obj/%.o) $(OUT)/obj/assets.o
# A unit test is tests/<tree>/x_test.c with its own main(); scenarios are built the same way. tests/lib serves all.
TESTS := $(wildcard $(addprefix tests/,base/*_test.c forms/*_test.c workflow/*_test.c db/*_test.c server/*_test.c \
	server/pages/*_test.c golden/*_test.c scenarios/*_test.c security/*_test.c certs/*_test.c))
TEST_LIB := $(wildcard tests/lib/*.c)
TEST_LIB_OBJ := $(TEST_LIB:%.c=$(OUT)/obj/%.o)
TEST_BINS := $(TESTS:%.c=$(OUT)/%)
# A fuzzer is tests/fuzz/x_fuzz.c with LLVMFuzzerTestOneInput(); its kept corpus is tests/fuzz/corpus/x/.
FUZZERS := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BINS := $(FUZZERS:%.c=$(OUT)/%)
REPLAY_BINS := $(FUZZERS:%_fuzz.c=$(OUT)/%_replay)
FUZZ_SECONDS := 60
PREFIX := /usr/local
DESTDIR :=

# What the programs carry inside themselves (server/base/asset.h).
ASSETS := $(shell find server/pages server/mail server/text server/static forms/definitions forms/form.rng db/migrations db/data db/seed -type f \
	! -name '*.c' ! -name '*.h' ! -name '*.md' ! -path 'server/static/src/*' 2>/dev/null | LC_ALL=C sort)

.PHONY: help build deps test-deps run test attack chaos bench bench-tools lint lint-self-test format format-check static static-check \
	fuzz fuzz-build fuzz-keep screenshots golden install container-test clean test-bins replay-bins list-tests FORCE
.PHONY: tsan asan-scenarios valgrind coverage cppcheck tidy next
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

deps: ## install the Debian packages that are missing to build and run
	@docker/install.sh run build
test-deps: ## … and those that only the tests need
	@docker/install.sh run build test

build: $(OUT)/enrolld $(OUT)/enrollctl ## build/enrolld and build/enrollctl

# Beside another instance it takes the next free pair of ports and a state folder of its own. Under sudo the state is the
# caller's (and the service runs as them): agents' keys are for their owner alone, who brings them into a browser.
run: deps ## build all, start the service with its own database and invented people
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@port=$${ENROLL_PORT:-8443}; busy() { (: > /dev/tcp/127.0.0.1/$$1) 2> /dev/null; }; \
	if [ -z "$$ENROLL_PORT$$ENROLL_AGENT_PORT" ]; then \
		while busy $$port || busy $$((port + 1)); do port=$$((port + 2)); done; \
		[ $$port = 8443 ] || export ENROLL_HOME=$${ENROLL_HOME:-var-$$port}; \
	fi; \
	home=$${ENROLL_HOME:-var}; \
	if [ "$${SUDO_UID:-0}" != 0 ] && [ ! -e "$$home" ]; then install -d -o "$$SUDO_UID" -g "$$SUDO_GID" "$$home"; fi; \
	export ENROLL_DEMO=$${ENROLL_DEMO:-1} ENROLL_PORT=$$port ENROLL_AGENT_PORT=$${ENROLL_AGENT_PORT:-$$((port + 1))}; \
	exec $(OUT)/enrolld

test: test-deps ## everything: lint, format, both compilers, sanitizers, scenarios, browser (a quarter of an hour)
	@MAKE='$(MAKE)' JOBS=$(JOBS) tests/run.sh
chaos: test-deps ## breaks the service on purpose for up to 20 minutes and says what it survived (CHAOS_ARGS='--seed 7 --write')
	@$(MAKE) --no-print-directory -s -j$(JOBS) build next
	@ENROLLD=$(CURDIR)/$(OUT)/enrolld tests/chaos/run.py $(CHAOS_ARGS)
lint: ## the rules of the house: layers, library homes, banned words
	@python3 tests/lint/lint.py
lint-self-test: ## shows that each rule can fail
	@python3 tests/lint/self_test.py
format: ## clang-format on every C file, no-break spaces in every French text
	@git ls-files -co --exclude-standard -- '*.c' '*.h' | xargs clang-format -i
	@python3 tests/lint/lint.py --fix-spaces
format-check:
	@git ls-files -co --exclude-standard -- '*.c' '*.h' | xargs clang-format --dry-run -Werror
static: server/static/src/node_modules/.package-lock.json ## compile server/static from its src/ (needs node; the results are committed)
	@node server/static/src/build.mjs server/static
golden: build ## write the golden files again; their diff is to be read
	@GOLDEN_WRITE=1 tests/golden/run.sh
static-check:
	@tests/static.sh
%/node_modules/.package-lock.json: %/package-lock.json
	@cd $* && npm ci --no-audit --no-fund --loglevel=error > /dev/null && touch node_modules/.package-lock.json
bench: ## speed against named references (B1 … B9); BENCH_ARGS="B1 B3", --json, --write
	@docker/install.sh run build bench
	@$(MAKE) --no-print-directory -s -j$(JOBS) build bench-tools
	@python3 tests/bench/bench.py $(BENCH_ARGS)
bench-tools: $(OUT)/bench/seal $(OUT)/bench/registry_make
screenshots: build ## a picture of every page, wide and narrow, into build/screenshots
	@SCREENSHOTS=$(CURDIR)/build/screenshots tests/browser/run.sh
fuzz: ## libFuzzer on every parser, FUZZ_SECONDS=60 each
	@$(MAKE) --no-print-directory -j$(JOBS) FUZZ=1 fuzz-build
	@for f in $(FUZZERS:tests/fuzz/%_fuzz.c=%); do echo "== $$f"; mkdir -p build/fuzz/found/$$f tests/fuzz/corpus/$$f; \
	  build/fuzz/tests/fuzz/$${f}_fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=20 -artifact_prefix=build/fuzz/found/$$f- \
	  build/fuzz/found/$$f tests/fuzz/corpus/$$f || exit 1; done
container-test: ## build docker/Dockerfile, run it alone, under systemd and in compose.yaml (root; buildah, podman)
	@tests/container/run.sh
install: $(OUT)/enrolld $(OUT)/enrollctl ## into DESTDIR and PREFIX (/usr/local): programs, systemd unit, its user
	@install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $^
	@install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	@sed 's,/usr/local/,$(PREFIX)/,' docker/systemd/enroll.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/enroll.service
	@sed 's,/usr/local/,$(PREFIX)/,' docker/systemd/enroll.sysusers > $(DESTDIR)$(PREFIX)/lib/sysusers.d/enroll.conf
tsan: test-deps ## the scenarios under the thread sanitizer (about 10 minutes; UNDER='journeys clocks': only these)
	@MAKE='$(MAKE)' JOBS=$(JOBS) tests/under.sh tsan $(UNDER)
asan-scenarios: test-deps ## … under the address and undefined behaviour sanitizers
	@MAKE='$(MAKE)' JOBS=$(JOBS) tests/under.sh asan $(UNDER)
valgrind: test-deps ## unit tests and two scenarios under memcheck
	@MAKE='$(MAKE)' JOBS=$(JOBS) tests/under.sh valgrind $(UNDER)
coverage: test-deps ## lines run by unit tests and scenarios, by folder (tests/COVERAGE.md)
	@MAKE='$(MAKE)' JOBS=$(JOBS) tests/under.sh coverage $(UNDER)
tidy: test-deps ## clang-tidy (.clang-tidy), on every C file of the service (about 15 minutes of one core)
	@printf '%s\n' $(MAINS) $(SRC) | xargs -P$(JOBS) -n1 bash -c 'clang-tidy --quiet "$$0" -- -std=gnu17 $(CPPFLAGS) 2> >(grep -v "warnings generated\|warnings treated" >&2)'
# readdir() is safe on a stream of one's own, and readdir_r() is deprecated. OpenSSL's templates are macros.
cppcheck: ## cppcheck, on the same
	@mkdir -p build/cppcheck
	@cppcheck -j$(JOBS) --quiet --cppcheck-build-dir=build/cppcheck --std=c11 --enable=warning,performance,portability,style \
		--inline-suppr --library=posix --suppress=readdirCalled -D_GNU_SOURCE '-DASN1_ITEM_TEMPLATE(name)=static int name' \
		'-DASN1_EX_TEMPLATE_TYPE(a,b,c,d)=0' '-Dstatic_ASN1_ITEM_TEMPLATE_END(name)=;' --error-exitcode=1 --template='{file}:{line}: {id}: {message}' \
		-i server/static server forms db workflow
attack: test-deps build ## testssl, sqlmap, floods that last: tests/security/RESULTS.md (half an hour)
	@docker/install.sh attack
	@ENROLLD=$(CURDIR)/$(OUT)/enrolld python3 tests/security/long.py
# What fuzzing found stays under build/fuzz/found/; the inputs that reach more code than the kept ones join them, cut small.
fuzz-keep: ## add what `make fuzz` reached to the kept inputs that `make test` replays
	@for f in $(FUZZERS:tests/fuzz/%_fuzz.c=%); do [ ! -d build/fuzz/found/$$f ] || build/fuzz/tests/fuzz/$${f}_fuzz -merge=1 -use_counters=0 \
	  -max_len=2048 tests/fuzz/corpus/$$f build/fuzz/found/$$f 2>&1 | grep -E 'MERGE-OUTER: .* new files|ERROR'; done
clean: ## remove what was built (var/ stays: it is the service's state)
	rm -rf build

fuzz-build: $(FUZZ_BINS)
test-bins: $(TEST_BINS)
replay-bins: $(REPLAY_BINS)
list-tests:
	@printf '%s\n' $(TEST_BINS) $(REPLAY_BINS)

$(OUT)/enrolld: $(OUT)/obj/server/main.o $(OBJ)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/enrollctl: $(OUT)/obj/server/ctl.o $(OBJ)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# flags.txt changes when the compiler or its flags do, and everything is then built again.
$(OUT)/flags.txt: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' > $@
$(OUT)/obj/%.o: %.c $(OUT)/flags.txt
	@mkdir -p $(@D)
	@$(SAY) '  cc    $<'
	$(Q)$(CACHE) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/assets.list: FORCE
	@mkdir -p $(@D); printf '%s\n' $(ASSETS) > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
# Of lines "name", or "name file" where it stands elsewhere.
ASSEMBLE = awk -v q='"' 'BEGIN{print "\t.section .rodata"} {printf "\t.balign 16\na%d:\t.incbin %s%s%s\ne%d:\t.byte 0\np%d:\t.asciz %s%s%s\n",NR,q,$$NF,q,NR,NR,q,$$1,q} \
	END{print "\t.section .data.rel.ro,\"aw\"\n\t.balign 8\n\t.globl asset_table\nasset_table:"; for(i=1;i<=NR;i++)printf "\t.quad p%d, a%d, e%d-a%d\n",i,i,i,i; \
	printf "\t.globl asset_count\n\t.balign 8\nasset_count:\t.quad %d\n\t.section .note.GNU-stack,\"\",@progbits\n",NR}'
$(OUT)/assets.S: $(OUT)/assets.list
	@$(ASSEMBLE) $< > $@
$(OUT)/obj/assets.o: $(OUT)/assets.S $(ASSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

# The release after this one, for tests/chaos/machines.py: the same objects, one more migration (tests/chaos/next/).
next: $(OUT)/next/enrolld $(OUT)/next/enrollctl
NEXT := $(shell find tests/chaos/next -type f 2>/dev/null)
$(OUT)/next/assets.S: $(OUT)/assets.list $(NEXT)
	@mkdir -p $(@D); { cat $<; printf '%s\n' $(foreach f,$(NEXT),'$(f:tests/chaos/next/%=%) $f'); } | LC_ALL=C sort > $(@D)/assets.list
	@$(ASSEMBLE) $(@D)/assets.list > $@
$(OUT)/obj/next-assets.o: $(OUT)/next/assets.S $(ASSETS)
	$(Q)$(CC) -c -o $@ $<
$(OUT)/next/enrolld: $(OUT)/obj/server/main.o $(filter-out %/assets.o,$(OBJ)) $(OUT)/obj/next-assets.o
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/next/enrollctl: $(OUT)/obj/server/ctl.o $(filter-out %/assets.o,$(OBJ)) $(OUT)/obj/next-assets.o
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Statements and pages register themselves in linker sections, so objects are linked whole, never from an archive.
# They are put together once (-r), which leaves each test a short link.
$(OUT)/obj/all.o: $(OBJ) $(TEST_LIB_OBJ)
	@$(SAY) '  link  $@'
	$(Q)$(CC) -r -nostdlib -o $@ $^
$(OUT)/tests/%_test: $(OUT)/obj/tests/%_test.o $(OUT)/obj/all.o
	@mkdir -p $(@D)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(OUT)/bench/%: $(OUT)/obj/tests/tools/%.o $(OUT)/obj/all.o
	@mkdir -p $(@D)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(OUT)/tests/fuzz/%_replay: $(OUT)/obj/tests/fuzz/%_fuzz.o $(OUT)/obj/tests/fuzz/replay.o $(OUT)/obj/all.o
	@mkdir -p $(@D)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(OUT)/tests/fuzz/%_fuzz: $(OUT)/obj/tests/fuzz/%_fuzz.o $(OBJ)
	@mkdir -p $(@D)
	@$(SAY) '  link  $@'
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS)

.SECONDARY:
FORCE:
-include $(OBJ:.o=.d) $(TEST_LIB_OBJ:.o=.d) $(OUT)/obj/server/main.d $(OUT)/obj/server/ctl.d $(TESTS:%.c=$(OUT)/obj/%.d) $(FUZZERS:%.c=$(OUT)/obj/%.d)
