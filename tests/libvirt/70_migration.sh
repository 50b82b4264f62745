#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest that is migrated away is gone here, one that comes is here: between two libvirtds, each on a host of its own.

. "$(dirname "$0")/lib.sh"

lab_ready
# The other host: own network, own files of libvirt; only the way between them is shared.
OTHER=$DIR/other
A=198.51.101.1 B=198.51.101.2
mkdir -p "$OTHER"/{run/lock,lib,cache,log}
cp -a /etc "$OTHER/etc"
echo '127.0.0.1 other' >>"$OTHER/etc/hosts"
echo 'host_uuid = "22222222-2222-4222-8222-222222222222"' >>"$OTHER/etc/libvirt/libvirtd.conf"
ip netns add other
ip link add to-other type veth peer name eth0 netns other
ip -batch - <<-END
	addr add $A/24 dev to-other
	link set to-other up
END
ip -n other -batch - <<-END
	addr add $B/24 dev eth0
	link set eth0 up
	link set lo up
END
cat >"$DIR/other.sh" <<-END
	set -e
	mount --make-rprivate /
	mount --bind $OTHER/etc /etc
	for d in lib cache log; do mount --bind $OTHER/\$d /var/\$d/libvirt; done
	mount --bind $OTHER/run /run
	hostname other
	exec libvirtd -p /run/libvirtd.pid
END
ip netns exec other unshare --mount --uts bash "$DIR/other.sh" >"$DIR/other.log" 2>&1 &
LIBVIRTD_OTHER=$!
THERE="qemu+unix:///system?socket=$OTHER/run/libvirt/libvirt-sock"
vo() { virsh -q -c "$THERE" "$@"; }
must "the other libvirtd answers" wait_for "$LONG" vo uri
must "the other host has the network" wait_for "$LONG" vo net-info default
vo net-list | grep -q default || must "it is started there" vo net-start default

vm g1
must "g1 starts" v start g1
daemon_start <<-END
	queue: 0
	steering: ${STEERING:-auto}
	forwards:
	  - { guest: g1, publish: ["8301:80", "7301:7777"] }
END
check before_migration http $H4 8301 g1
talk $H4 7301

must "g1 migrates away" v migrate --live --unsafe --migrateuri "tcp://$B:49160" g1 "$THERE"
check migrated_is_there bash -c "virsh -q -c '$THERE' domstate g1 | grep -q running"
check migrated_away_refused refused $H4 8301
reset_comes migrated_away_resets

must "g1 comes back" vo migrate --live --unsafe --migrateuri "tcp://$A:49161" g1 qemu:///system
check migrated_back http $H4 8301 g1
v destroy g1 >/dev/null
check migrated_back_and_off refused $H4 8301
v undefine g1 >/dev/null
vo undefine g1 >/dev/null 2>&1
vo net-destroy default >/dev/null
kill "$LIBVIRTD_OTHER"
wait "$LIBVIRTD_OTHER"
ip link del to-other
ip netns del other
