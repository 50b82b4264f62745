# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A second machine on this one's own files, read-only below an overlay in memory. Sourced after netns/lib.sh:
#   machine_files                 make ROOT; what is written there is gone in the end
#   machine_install PACKAGE...    Debian packages, in ROOT alone
#   machine_boot SCRIPT           a container in namespaces of its own whose first process is SCRIPT (in ROOT)
#   inside CMD...                 in the container whose first process is INIT
#   expect NAME CMD...            a result; show() says more after a failure

# A machine has a state of its own, and packages may come by a proxy.
unset STATE_DIRECTORY no_proxy
OVER=$(mktemp -d "${TMPDIR:-/tmp}/nfqnat-root.XXXXXX")
ROOT=$OVER/root
CONTAINER='' INIT=''

machine_end() {
	[ -z "$CONTAINER" ] || { kill -KILL "$INIT" "$CONTAINER"; wait "$CONTAINER"; } 2>/dev/null
	CONTAINER=
	umount "$ROOT" 2>/dev/null
	umount "$OVER" 2>/dev/null
	# What was written before machine_files() lies below.
	mountpoint -q "$OVER" || rm -rf "$OVER"
}
trap 'machine_end; cleanup' EXIT

machine_files() {
	mount -t tmpfs nfqnat-test "$OVER" && mkdir "$OVER"/{up,work,root} &&
		mount -t overlay overlay -o "lowerdir=/,upperdir=$OVER/up,workdir=$OVER/work" "$ROOT"
}

# Its services are not started: invoke-rc.d(8) asks the first file. Nothing of this machine is locked by its dpkg.
machine_install() {
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod 755 "$ROOT/usr/sbin/policy-rc.d"
	# shellcheck disable=SC2016 # for the other shell
	unshare --mount --pid --fork chroot "$ROOT" sh -c 'mount -t proc proc /proc
		apt-cache show "$1" >/dev/null 2>&1 || apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"' sh "$@" >"$OVER/apt" 2>&1
}

spawn_here() {
	"$@" &
	SPAWNED=$!
}
init_pid() { INIT=$(pgrep -P "$CONTAINER" | head -n 1) && [ -n "$INIT" ]; }

# machine_boot SCRIPT - /proc, /sys, /dev and an empty /run are there; ready when it makes /run/up. Network: namespace host.
machine_boot() {
	cat >"$ROOT/first" <<-END
		#!/bin/bash
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t tmpfs run /run
		mount -t tmpfs dev /dev
		mknod -m 666 /dev/null c 1 3
		mknod -m 666 /dev/zero c 1 5
		mknod -m 666 /dev/urandom c 1 9
		$1
	END
	spawn_here nsenter --net="/run/netns/$P-host" unshare --mount --pid --ipc --uts --fork --kill-child \
		chroot "$ROOT" bash /first >"$OVER/boot.log" 2>&1 </dev/null
	CONTAINER=$SPAWNED
	wait_for 60 init_pid && wait_for 180 inside test -e /run/up
}
# With its root, which a container of ours changes by chroot(2).
inside() { nsenter -t "$INIT" --root --wd -m -p -u -i -C -n -- "$@"; }

expect() {
	local name=$1
	shift
	if "$@" >"$OVER/said" 2>&1; then
		result ok "$name"
	else
		result 'not ok' "$name" "$*"
		{ cat "$OVER/said"; show; } 2>&1 | result_note
	fi
}

# machine_config - the forwards that are asked for
machine_config() {
	config_head
	echo "  - name: web
    to: [$G4, \"$G6\"]
    publish: [\"7\", \"7/udp\", \"8080:80\"]"
}
machine_net() {
	net_up
	serve guest tcp:7:echo tcp:80:whoami
	serve host tcp:8080:whoami
}
