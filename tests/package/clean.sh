#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package in a system made for it alone: clean.sh DIR_WITH_DEBS. Debootstrap takes a minute and the network.
# There it is installed with what it depends on, and runs the demo with its own programs.

set -u
# shellcheck source-path=SCRIPTDIR source=../result.sh
. "$(dirname "$0")/../result.sh"
root=$(mktemp -d "${TMPDIR:-/tmp}/nfqnat-clean.XXXXXX")
log=$root.log
cleanup() {
	umount -R "$root/proc" "$root/dev" "$root/sys" "$root/run" 2>/dev/null || :
	umount "$root" 2>/dev/null
	rm -rf --one-file-system "$root" "$log"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Where this machine has its own packages from.
mirror() { apt-cache policy base-files | awk '/https?:/ { print $2; exit }'; }
system_make() {
	. /etc/os-release
	# In memory: thousands of small files, each of which dpkg wants on the disk.
	mount -t tmpfs -o size=2g nfqnat-test "$root" &&
		debootstrap --variant=minbase "$VERSION_CODENAME" "$root" "$(mirror)" || return
	cp -r /etc/apt/sources.list* "$root/etc/apt/" 2>/dev/null
	cp -rn /usr/share/keyrings/. "$root/usr/share/keyrings/"
	cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
	cp /etc/resolv.conf "$root/etc/"
	mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --make-rslave "$root/sys" &&
		mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev" && mount -t tmpfs tmpfs "$root/run"
}
in_system() { chroot "$root" env -i PATH="$PATH" DEBIAN_FRONTEND=noninteractive HOME=/root sh -ec "$1"; }

installed() { in_system 'apt-get update -qq; apt-get install -y -qq --no-install-recommends /root/debs/*.deb'; }
runs() { in_system 'nfqnatctl --version; nfqnatd --version; nfqnatd --check --config /etc/nfqnat/nfqnat.yaml; ! ldd /usr/sbin/nfqnat* /usr/bin/nfqnatctl | grep "not found"'; }
# What the demo uses beside us; and programs of the tests, which no package has.
demo() {
	in_system '
		apt-get install -y -qq --no-install-recommends iproute2 iptables curl iputils-ping tcpdump conntrack socat util-linux procps python3
		cd /root/src && mkdir -p build && ln -s /usr/sbin/nfqnatd build/nfqnatd && ln -s /usr/bin/nfqnatctl build/nfqnatctl
		tests/demo'
}
purged() {
	in_system 'apt-get purge -y -qq nfqnat nfqnat-libvirt
		left=$(find / -xdev \( -path /root -o -path /var/cache -o -path /var/lib/apt -o -path /var/log -o -path /proc -o -path /sys \) -prune -o -name "*nfqnat*" -print)
		echo "left: $left"; [ -z "$left" ]'
}

exec </dev/null		# nobody is asked
if ! system_make >"$log" 2>&1; then
	result skip package_in_a_clean_system "no system could be made: $(tail -n 1 "$log")"
	exit 0
fi
mkdir -p "$root/root/src/build" "$root/root/debs"
cp "$1"/nfqnat_*.deb "$1"/nfqnat-libvirt_*.deb "$root/root/debs/"
(cd "$TOP" && git ls-files -z tests deps examples Makefile | xargs -0 tar c) | tar x -C "$root/root/src"
cp -r "$TOP/build/tools" "$root/root/src/build/tools"
check clean_system_installs_the_package installed && check clean_system_programs_start runs &&
	check clean_system_runs_the_demo demo && check clean_system_purge_leaves_nothing purged
((RESULT_FAILED == 0))
