#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package in a system made for it alone: clean.sh DIR_WITH_DEBS. Debootstrap takes minutes and the network.
# There it is installed with what it depends on, and runs the demo with its own programs.

set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
root=$(mktemp -d "${TMPDIR:-/tmp}/nfqnat-clean.XXXXXX")
cleanup() {
	umount -R "$root/proc" "$root/dev" "$root/sys" "$root/run" 2>/dev/null || :
	rm -rf --one-file-system "$root"
}
trap cleanup EXIT

. /etc/os-release
debootstrap --variant=minbase "$VERSION_CODENAME" "$root" >/dev/null
cp -r /etc/apt/sources.list* "$root/etc/apt/" 2>/dev/null || :
cp -rn /usr/share/keyrings/. "$root/usr/share/keyrings/"
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/root/src" "$root/root/debs"
cp "$1"/nfqnat_*.deb "$root/root/debs/"
(cd "$TOP" && git ls-files -z tests deps examples Makefile | xargs -0 tar c) | tar x -C "$root/root/src"
cp -r "$TOP/build/tools" "$root/root/src/tools"
chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -ec '
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends /root/debs/*.deb iproute2 iptables curl iputils-ping tcpdump conntrack \
		socat util-linux procps python3 >/dev/null 2>&1
	cd /root/src && mkdir -p build && mv tools build/ && ln -s /usr/sbin/nfqnatd build/nfqnatd && ln -s /usr/bin/nfqnatctl build/nfqnatctl
	tests/demo'
