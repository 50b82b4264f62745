#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What other distributions' packages are made with: foreign.sh SOURCE_DIR INSTALLED_DIR
# The APKBUILD's functions, every file with musl's headers, and the RPM spec under the real rpmbuild and rpmlint (in a
# machine of its own, see machine.sh). Each must hold what `make install-service` put into INSTALLED_DIR, no more, no less.

set -u
source=$(realpath "$1") installed=$(realpath "$2")
# shellcheck source-path=SCRIPTDIR source=../netns/lib.sh
. "$(dirname "$0")/../netns/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"
cd "$TOP" || exit 1
export LTO=			# Debian's package has it, which is built of the same files
version=$(sed -n 's/^VERSION[[:space:]]*:= //p' Makefile)

show() { tail -n 30 "$OVER/log" 2>/dev/null; }
# files DIR - names of files, as a package lists them
files() { (cd "$1" && find . -type f | sed 's/^\.//' | sort); }
same_files() { diff <(printf '%s\n' "$1") <(printf '%s\n' "$2"); }

# ---- Alpine ----

# abuild(1) sets MAKEFLAGS as well.
apk_build() { BUILD='' MAKEFLAGS=-j$(nproc) tests/package/apk "$source" "$DIR/apk" >"$OVER/log" 2>&1; }
apk_files() {
	local want

	want=$(files "$installed" | grep -vE '^/(lib/systemd|usr/lib/(sysusers|tmpfiles)\.d)/'; echo /etc/init.d/nfqnatd)
	same_files "$(sort <<<"$want")" "$(for d in "$DIR"/apk/*; do files "$d"; done | sort)"
}
apk_parts() { [ -x "$DIR/apk/libvirt/usr/sbin/nfqnat-virt" ] && [ -x "$DIR/apk/openrc/etc/init.d/nfqnatd" ] && [ ! -e "$DIR/apk/main/usr/share" ]; }
# A variable is for abuild; it gives others.
apk_shell() { shellcheck -s dash -e SC2034,SC2154 packaging/APKBUILD packaging/nfqnat.pre-install; }

# Libraries' headers are glibc's machine's, which come last; so do the kernel's. There is no systemd beside musl.
musl_compiles() {
	local musl=/usr/include/x86_64-linux-musl gcc

	gcc=$(gcc -print-file-name=include)
	git ls-files -z 'nat/*.c' 'nfq/*.c' 'conf/*.c' 'virt/*.c' 'ctl/*.c' 'replay/*.c' main.c |
		xargs -0 -n 20 -P "$(nproc)" gcc -fsyntax-only -std=c11 -D_GNU_SOURCE '-DNFQNAT_VERSION="x"' -I. \
			-DNO_JOURNAL -Werror=implicit-function-declaration -nostdinc -isystem $musl -isystem "$gcc" -isystem /usr/include/libxml2 \
			-idirafter /usr/include -idirafter "/usr/include/$(gcc -dumpmachine)"
}

# ---- RPM ----

# Fedora's macros that Debian's rpm lacks.
rpm_build() {
	mkdir -p "$ROOT"/rpm/{SOURCES,SPECS} &&
		tar czf "$ROOT/rpm/SOURCES/nfqnat-$version.tar.gz" --exclude=build --exclude='.deps-*' \
			--transform "s|^\.|nfqnat-$version|" -C "$source" . &&
		cp packaging/nfqnat.spec packaging/nfqnat.rpmlintrc "$ROOT/rpm/SPECS/" &&
		in_root rpmbuild --nodeps -bb --define '_topdir /rpm' --define '_docdir /usr/share/doc' \
			--define '_unitdir /usr/lib/systemd/system' --define '_sysusersdir /usr/lib/sysusers.d' \
			--define '_tmpfilesdir /usr/lib/tmpfiles.d' --define 'systemd_post() :' --define 'systemd_preun() :' \
			--define 'sysusers_create_compat() :' /rpm/SPECS/nfqnat.spec >"$OVER/log" 2>&1
}
in_root() { unshare --mount --pid --fork chroot "$ROOT" sh -c 'mount -t proc proc /proc; exec "$@"' sh "$@"; }
rpms() { (cd "$ROOT" && find rpm/RPMS -name "$1" | sed 's|^|/|'); }
rpm_files() {
	local got

	# shellcheck disable=SC2046 # one word for each
	got=$(in_root rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' $(rpms '*.rpm') | sed -n 's/^-[^ ]* //p' |
		grep -vE '/\.build-id/|^/usr/share/licenses/' | sed 's|^\(/usr/share/man/.*\)\.gz$|\1|')
	same_files "$(files "$installed" | sed 's|^/lib/systemd|/usr/lib/systemd|' | sort)" "$(sort <<<"$got")"
}
rpm_parts() {
	# shellcheck disable=SC2046 # one word
	[ "$(in_root rpm -qpl $(rpms 'nfqnat-libvirt-*.rpm') | grep -v build-id)" = /usr/sbin/nfqnat-virt ] &&
		in_root rpm -qp --configfiles $(rpms 'nfqnat-[0-9]*.rpm') | grep -qx /etc/nfqnat/nfqnat.yaml
}
rpm_lint() {
	local said

	# shellcheck disable=SC2046 # one word for each
	said=$(in_root rpmlint -r /rpm/SPECS/nfqnat.rpmlintrc $(rpms '*.rpm') /rpm/SPECS/nfqnat.spec)
	grep -q '2 packages and 1 specfiles checked' <<<"$said" && ! grep ': E: ' <<<"$said"
}

expect apk_functions_run apk_build && expect apk_has_what_install_has apk_files
expect apk_parts apk_parts
expect apk_shellcheck apk_shell
if [ -d /usr/include/x86_64-linux-musl ]; then
	expect musl_headers_suffice musl_compiles
else
	result skip musl_headers_suffice "no headers of musl here (Debian's musl-dev, x86-64)"
fi
if ! machine_files; then
	result skip rpm "no overlay here"
elif ! machine_install rpm rpmlint; then
	result skip rpm "rpm and rpmlint cannot be installed: $(tail -n 1 "$OVER/apt")"
else
	expect rpm_is_built rpm_build
	expect rpm_has_what_install_has rpm_files
	expect rpm_parts rpm_parts
	expect rpm_lint rpm_lint
fi
((RESULT_FAILED == 0))
