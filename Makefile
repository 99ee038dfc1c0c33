# enroll: every task has a line in `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# CC=clang builds with clang; SAN=1 adds ASan and UBSan. Each variant has its own folder, so they never mix.
CC := gcc
SAN :=
VARIANT := $(if $(SAN),$(notdir $(CC))-san,$(if $(filter gcc,$(notdir $(CC))),,$(notdir $(CC))))
OUT := build$(if $(VARIANT),/$(VARIANT))

PKGS := libh2o-evloop libpq openssl libsodium libxml-2.0 jansson libcurl libutf8proc xlsxwriter libsystemd libzip
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
CPPFLAGS = -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -DH2O_USE_EPOLL=1 $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
CFLAGS = -std=gnu17 -O2 -g -pthread -fno-omit-frame-pointer -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(WARN)
ifneq ($(SAN),)
CFLAGS := -std=gnu17 -O1 -g -pthread -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined $(WARN)
endif
LDFLAGS = -pthread -rdynamic
LDLIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lmagic -lm -lcrypto -lssl -lz

MAINS := server/main.c server/ctl.c
SRC := $(filter-out $(MAINS),$(wildcard server/base/*.c forms/*.c db/*.c workflow/*.c server/*.c server/pages/*.c))
OBJ := $(SRC:%.c=$(OUT)/obj/%.o) $(OUT)/obj/assets.o
TESTS := $(wildcard tests/base/*_test.c tests/forms/*_test.c tests/workflow/*_test.c tests/db/*_test.c tests/server/*_test.c)
TEST_LIB := $(wildcard tests/lib/*.c)
TEST_BINS := $(TESTS:%.c=$(OUT)/%)
ASSETS := $(shell find server/pages server/mail server/text server/static forms/definitions forms/form.rng db/migrations db/data db/seed -type f \
	! -name '*.c' ! -name '*.h' ! -name '*.scss' ! -path '*/node_modules/*' 2>/dev/null | LC_ALL=C sort)

.PHONY: help build
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

build: $(OUT)/enrolld $(OUT)/enrollctl ## build/enrolld and build/enrollctl

$(OUT)/enrolld: $(OUT)/obj/server/main.o $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/enrollctl: $(OUT)/obj/server/ctl.o $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The files that the programs carry inside themselves (server/base/asset.h).
$(OUT)/assets.list: FORCE
	@mkdir -p $(@D); printf '%s\n' $(ASSETS) > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(OUT)/assets.S: $(OUT)/assets.list
	@awk -v q='"' 'BEGIN{print "\t.section .rodata"} {printf "\t.balign 16\na%d:\t.incbin %s%s%s\ne%d:\t.byte 0\np%d:\t.asciz %s%s%s\n",NR,q,$$0,q,NR,NR,q,$$0,q} \
	END{print "\t.section .data.rel.ro,\"aw\"\n\t.balign 8\n\t.globl asset_table\nasset_table:"; for(i=1;i<=NR;i++)printf "\t.quad p%d, a%d, e%d-a%d\n",i,i,i,i; \
	printf "\t.globl asset_count\n\t.balign 8\nasset_count:\t.quad %d\n\t.section .note.GNU-stack,\"\",@progbits\n",NR}' $< > $@
$(OUT)/obj/assets.o: $(OUT)/assets.S $(ASSETS)
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

$(OUT)/tests/%_test: tests/%_test.c $(TEST_LIB) $(OBJ)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(TEST_LIB) $(OBJ) -lcmocka $(LDLIBS)

FORCE:
-include $(OBJ:.o=.d) $(OUT)/obj/server/main.d $(OUT)/obj/server/ctl.d
