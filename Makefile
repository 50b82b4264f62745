# nfqnat: one Makefile, no recursion. `make help` lists the targets.
# SPDX-License-Identifier: GPL-2.0-or-later

# Debian packages are installed once for each kind of work; remove a stamp to look again. What is needed to build
# comes before anything else: make reads itself again after it, for what pkg-config says.
.deps-%: deps
	@./deps $* && touch $@
ifneq ($(filter-out help clean uninstall,$(or $(MAKECMDGOALS),all)),)
include .deps-build
endif
.DEFAULT_GOAL := all

VERSION	:= 0.1.0
PREFIX	?= /usr/local
SBIN	:= $(DESTDIR)$(PREFIX)/sbin
BIN	:= $(DESTDIR)$(PREFIX)/bin
BENCHDIR := $(DESTDIR)$(PREFIX)/lib/nfqnat/bench
MAN	:= $(DESTDIR)$(PREFIX)/share/man
COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
DOC	:= $(DESTDIR)$(PREFIX)/share/doc/nfqnat
UNITS	:= $(DESTDIR)/lib/systemd/system
ETC	:= $(DESTDIR)/etc/nfqnat

# B: where everything built goes; SAN=1 builds the same tree with sanitizers into build/san.
SAN	?= 0
CC	:= $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG	?= clang
ifeq ($(SAN),1)
B	:= build/san
OPT	:= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
B	:= build
# Link-time optimization takes a tenth off nat_packet(): docs/decisions/0002. Fat objects, so that nm can prove purity.
LTO	?= $(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
OPT	:= -O2 $(LTO) -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=. \
	   -fcf-protection=$(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),full,none)
endif
WARN	:= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
	   -Wswitch-enum -Wvla -Wundef -Wcast-align
WERROR	?= $(if $(CI),-Werror)
CFLAGS	?= -g
NF_CFLAGS := -std=c11 -D_GNU_SOURCE -DNFQNAT_VERSION='"$(VERSION)"' -I. $(OPT) $(WARN) $(WERROR) -MMD -MP
LDFLAGS	?= $(if $(filter 0,$(SAN)),-pie -z relro -z now)
PKGS	:= libmnl libnetfilter_queue libcap-ng libcyaml yaml-0.1 libpcap libseccomp libxml-2.0 jansson libmicrohttpd ncursesw $(shell pkg-config --exists libsystemd && echo libsystemd)
LIBS	= -Wl,--as-needed $(shell pkg-config --libs $(PKGS)) -lev -pthread

NAT_O	:= $(patsubst %.c,$B/%.o,$(wildcard nat/*.c))
NFQ_O	:= $(patsubst %.c,$B/%.o,$(wildcard nfq/*.c nfq/*/*.c))
REPLAY_O := $(patsubst %.c,$B/%.o,$(wildcard replay/*.c))
CTL_O	:= $(patsubst %.c,$B/%.o,$(filter-out ctl/main.c,$(wildcard ctl/*.c ctl/*/*.c conf/import/*.c)))
# virt/ beside the watcher in virt/watch/: what the main process makes of it.
CONF_O	:= $(patsubst %.c,$B/%.o,$(wildcard conf/*.c virt/*.c))
# nfqnat-virt is the only program linked with libvirt; where its headers are missing all the rest is built.
VIRT_PKGS := jansson libxml-2.0 libmnl libcap-ng libseccomp
LIBVIRT	:= $(shell pkg-config --exists libvirt && echo yes)
# Its parts without libvirt: what reads foreign octets, and joins them.
WATCH	:= $(filter-out virt/watch/main.c virt/watch/source.c virt/watch/child.c virt/watch/hub.c virt/watch/ask.c virt/watch/broker.c,$(wildcard virt/watch/*.c))
XML_CFLAGS := $(shell pkg-config --cflags libxml-2.0)
$B/virt/watch/%.o: NF_CFLAGS += $(XML_CFLAGS)
TOOLS	:= $(patsubst tests/tools/%.c,$B/tools/%,$(wildcard tests/tools/*.c))
UNIT	:= $(patsubst tests/unit/%.c,$B/unit/%,$(filter-out $(if $(LIBVIRT),,%/test_source.c),$(wildcard tests/unit/test_*.c)))
BENCH	:= $(patsubst bench/%.c,$B/bench/%,$(wildcard bench/*.c)) $B/bench/loadgen
LOAD_O	:= $(patsubst %.c,$B/%.o,$(wildcard bench/load/*.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
DIRS	:= nat nfq nfq/ctl nfq/steer conf conf/import virt virt/watch replay ctl ctl/doctor
HEADERS	:= $(wildcard $(DIRS:%=%/*.h))
# The core may call these and nothing else: no I/O, no clock, no allocation.
PURE	:= memcpy memset memcmp memmove __assert_fail __stack_chk_fail

# Objects are kept.
.SECONDARY:

CHECKS	:= check-pure check-headers check-unit check-mutate check-golden check-replay check-import check-docs check-fuzz \
	   check-netns check-libvirt+check-soak+check-bench+check-analyze check-package+check-kernel check-compliance
.PHONY: all help demo check $(subst +, ,$(CHECKS)) compliance mutate fuzz tidy soak bench bench-quick \
	bench-programs unit-programs install install-service uninstall dist clean no-libvirt

all: $B/nfqnatd $B/nfqnatctl $(if $(LIBVIRT),$B/nfqnat-virt,no-libvirt) $(TOOLS) ## build everything into build/

help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# How a program is linked, and one of a single file compiled and linked; libraries follow.
LD	= @mkdir -p $(@D); echo "  LD $@"; $(CC) $(OPT) $(LDFLAGS) -o $@
CCLD	= @mkdir -p $(@D); echo "  LD $@"; $(CC) $(NF_CFLAGS) $(XML_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

$B/nfqnatd: $B/main.o $(REPLAY_O) $(NFQ_O) $(CONF_O) $B/libnat.a
	$(LD) $^ $(LIBS)

# What nfqnatctl takes of the daemon's parts: only those that it uses.
$B/nfqnatctl: $B/ctl/main.o $(CTL_O) $B/libnfqnat.a
	$(LD) $^ $(LIBS)

$B/nfqnat-virt: $(patsubst %.c,$B/%.o,$(wildcard virt/watch/*.c)) $B/conf/ip.o
	$(LD) $^ $(shell pkg-config --libs libvirt-qemu libvirt $(VIRT_PKGS)) -lev

no-libvirt:
	@echo "  no libvirt headers (libvirt-dev): nfqnat-virt is not built, guests cannot be followed"

$B/libnat.a: $(NAT_O)
$B/libnfqnat.a: $(NFQ_O) $(CONF_O) $(NAT_O)
$B/libctl.a: $(CTL_O)
$B/libwatch.a: $(WATCH:%.c=$B/%.o) $(if $(LIBVIRT),$B/virt/watch/source.o)
# q: two objects of one name, from two folders, both stay.
%.a:
	@rm -f $@; echo "  AR $@"; $(AR) qcs $@ $^

$B/%.o: %.c
	@mkdir -p $(@D); echo "  CC $@"; $(CC) $(NF_CFLAGS) $(CFLAGS) -c -o $@ $<

# Tests start them by the thousand, and sanitizers take longer to start than they to work.
$B/tools/%: NF_CFLAGS := $(filter-out -fsanitize=%,$(NF_CFLAGS))
$B/tools/%: tests/tools/%.c
	$(CCLD)

$B/bench/%: bench/%.c $B/libnfqnat.a
	$(CCLD) $B/libnfqnat.a $(LIBS)

$B/bench/loadgen: $(LOAD_O)
	$(LD) $^ -ljansson

# Unit tests link what they use of all but main.c; one takes libvirt.
$B/unit/%: tests/unit/%.c $B/libctl.a $B/libwatch.a $B/libnfqnat.a | .deps-test
	$(CCLD) -Wl,--start-group $B/libctl.a $B/libwatch.a $B/libnfqnat.a -Wl,--end-group -lcmocka $(LIBS)
$B/unit/test_source: LIBS += -lvirt
$B/unit/test_oom: LIBS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=open_memstream,--wrap=run_program,--wrap=run_nft

# Fuzzers: libFuzzer, the whole tree compiled for coverage.
FUZZ_CFLAGS := -std=c11 -D_GNU_SOURCE -DNFQNAT_VERSION='"fuzz"' -I. $(XML_CFLAGS) -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_O	:= $(patsubst %.c,build/fuzz/obj/%.o,$(wildcard $(patsubst %,%/*.c,$(filter-out virt/watch ctl,$(DIRS)))) $(WATCH))

build/fuzz/libfuzzed.a: $(FUZZ_O)
build/fuzz/obj/%.o: %.c $(HEADERS) | .deps-test
	@mkdir -p $(@D); echo "  CC $@"; $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

build/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) build/fuzz/libfuzzed.a
	@mkdir -p $(@D); echo "  LD $@"; $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< build/fuzz/libfuzzed.a $(LIBS)

demo: all | .deps-demo ## run the main job on real packets in namespaces and print each translation
	@tests/demo

# Fast parts first; all of them, whatever fails; the last line says how many passed.
check: | .deps-test ## all tests
	@tests/sum "$(MAKE)" $(CHECKS)

check-pure: $B/libnat.a ## prove that nat/ does no I/O and includes nothing but the C library
	@tests/check-pure $< $(PURE)

check-headers: | .deps-test ## every header compiles alone
	@tests/check-headers "$(CC) $(XML_CFLAGS)" $(HEADERS)

check-fuzz: $(FUZZ) ## short run of each fuzzer
	@tests/fuzz/run $(FUZZ)

# What runs on a build with sanitizers: its runner in tests/ is given that build.
SANITIZED := check-unit check-golden check-replay check-import check-docs check-bench check-netns check-libvirt
check-unit: ## unit tests
check-golden: ## configuration files and what the daemon says of them
check-replay: ## captures and what the engine makes of them
check-import: ## other programs' forwards and what nfqnatctl import makes of them
check-docs: ## manuals without mistakes and without gaps, links that lead somewhere
check-bench: ## the bench harness itself: what it counts is true
check-netns: ## real packets in namespaces
check-libvirt: ## a real libvirtd with real guests
check-unit: NEEDS := unit-programs
check-bench: NEEDS := bench-programs
$(SANITIZED):
	@$(MAKE) --no-print-directory SAN=1 all $(NEEDS) && tests/$(@:check-%=%)/run build/san
unit-programs: $(UNIT)
bench-programs: $(BENCH)

check-compliance: ## docs/rfc-compliance.md is true of the run before
	@tests/compliance/run build/results.log docs/rfc-compliance.md

compliance: ## make docs/rfc-compliance.md anew, after make check
	@tests/compliance/table build/results.log >docs/rfc-compliance.md.new && mv docs/rfc-compliance.md.new docs/rfc-compliance.md

analyze: | .deps-test ## cppcheck, the analysers of clang and gcc, shellcheck: nothing to say
	@tests/analyze

check-analyze: | .deps-test ## the same but for clang's, which takes minutes
	@tests/analyze --quick

soak: ## guests, forwards and faults at random with every octet checked: make soak MINUTES=30 SEED=1
	@$(MAKE) --no-print-directory SAN=1 all && tests/soak build/san $$(($(or $(MINUTES),30) * 60)) $(SEED)

check-soak: ## the same for two minutes: make check-soak SEED=1
	@$(MAKE) --no-print-directory SAN=1 all && tests/soak build/san 120 $(SEED)

check-kernel: all ## the nft rules and hosts without conntrack or NAT, on Debian's own kernel in QEMU
	@tests/kernel/run build

mutate: | .deps-test ## change each cell of each state table: a test must notice
	@tests/mutate

check-mutate: | .deps-test ## the same for some cells, other ones each day
	@tests/mutate --sample 40

fuzz: $(FUZZ) ## long run: make fuzz SECONDS=600
	@FUZZ_SECONDS=$(or $(SECONDS),600) tests/fuzz/run $(FUZZ)

tidy: | .deps-test ## clang-tidy, no warning allowed; files that have not changed since are not asked again
	@tests/tidy main.c $(wildcard $(DIRS:%=%/*.c))

bench: all $(BENCH) ## nfqnat beside kernel DNAT, the limits of its road, and the userspace proxies; 70 minutes
	@bench/run

bench-quick: all $(BENCH) ## the same in short, under 3 minutes
	@bench/run --quick

install: all $(BENCH) install-service ## install below PREFIX (and DESTDIR)
	install -Dm755 -t $(BENCHDIR) bench/run bench/compare $B/bench/accept $B/bench/textbook $B/bench/loadgen
	install -Dm644 -t $(BENCHDIR) $(wildcard bench/*.py)
	ln -sf $(PREFIX)/lib/nfqnat/bench/run $(BIN)/nfqnat-bench

# What a package has: programs, service, manuals, and a configuration that forwards nothing, if there is none.
LIBDIR	:= $(if $(filter /usr,$(PREFIX)),$(DESTDIR)/usr/lib,$(DESTDIR)$(PREFIX)/lib)
install-service:
	install -d $(BIN) $(UNITS) $(ETC)/forwards.d
	install -Dm755 build/nfqnatd $(SBIN)/nfqnatd
	test ! -e build/nfqnat-virt || install -m755 build/nfqnat-virt $(SBIN)/nfqnat-virt
	install -m755 build/nfqnatctl $(BIN)/nfqnatctl
	install -Dm644 ctl/nfqnatctl.bash $(COMPLETION)/nfqnatctl
	sed 's|/usr/local|$(PREFIX)|' systemd/nfqnatd.service >$(UNITS)/nfqnatd.service
	install -Dm644 systemd/nfqnat.sysusers $(LIBDIR)/sysusers.d/nfqnat.conf
	install -Dm644 systemd/nfqnat.tmpfiles $(LIBDIR)/tmpfiles.d/nfqnat.conf
	set -e; for m in $(wildcard docs/*.[158]); do install -Dm644 $$m $(MAN)/man$${m##*.}/$${m##*/}; done
	install -Dm644 -t $(DOC)/examples $(wildcard examples/*.yaml)
	install -Dm644 -t $(DOC) docs/grafana.json docs/alerts.yaml
	cd systemd && install -Dm755 openrc/nfqnatd -t $(DOC)/examples/openrc && install -Dm755 runit/* -t $(DOC)/examples/runit
	sed -i 's|/usr/local|$(PREFIX)|' $(DOC)/examples/*/nfqnatd $(DOC)/examples/runit/*
	test -e $(ETC)/nfqnat.yaml || install -m640 examples/none.yaml $(ETC)/nfqnat.yaml

uninstall: ## remove what install made, but for the configuration
	rm -f $(SBIN)/nfqnatd $(SBIN)/nfqnat-virt $(BIN)/nfqnatctl $(COMPLETION)/nfqnatctl $(UNITS)/nfqnatd.service $(BIN)/nfqnat-bench
	rm -f $(LIBDIR)/sysusers.d/nfqnat.conf $(LIBDIR)/tmpfiles.d/nfqnat.conf $(foreach m,$(wildcard docs/*.[158]),$(MAN)/man$(subst .,,$(suffix $m))/$(notdir $m))
	rm -rf $(DOC) $(BENCHDIR)

dist: ## an archive of what is committed: build/nfqnat-VERSION.tar.gz
	@mkdir -p build
	git archive --format=tar.gz --prefix=nfqnat-$(VERSION)/ -o build/nfqnat-$(VERSION).tar.gz HEAD
	@echo build/nfqnat-$(VERSION).tar.gz

check-package: all | .deps-package ## install, hardening, systemd, OpenRC, runit, Debian, RPM, APK, the same octets twice
	@tests/package/run build

clean: ## remove build/
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
