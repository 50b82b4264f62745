#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults of the world around, with 100 TCP and 50 UDP conversations under way: what each costs is said and bounded.

. "$(dirname "$0")/lib.sh"

TCP=100 UDP=50

net_up
crowd_serve
serve guest tcp:80:whoami
config() {
	config_head
	echo "  - name: crowd
    to: [$G4, \"$G6\"]
    publish: [\"7\", \"7/udp\", \"8080:80\"]"
}

crowd_start() {
	CROWD_SAID=$DIR/crowd.$RANDOM
	spawn client crowd ask -t $TCP -u $UDP -i 200 "$1" 7 >"$CROWD_SAID"
	CROWD=$SPAWNED
	wait_for 60 grep -q talking "$CROWD_SAID"
}
crowd_rounds() { (($(grep -c '^all' "$CROWD_SAID") >= $1)); }
crowd_round() {
	local n

	n=$(grep -c '^all' "$CROWD_SAID")
	kill -USR1 "$CROWD"
	wait_for 60 crowd_rounds $((n + 1))
	ROUND=$(tail -n 1 "$CROWD_SAID")
}
# goes_on FAULT [LOST_MAX] - every conversation is answered anew; what was lost is said, and not more than that many datagrams
LOST=0
goes_on() {
	local lost

	crowd_round && crowd_round
	lost=$(($(sed -n 's/.*lost \([0-9]*\)$/\1/p' <<<"$ROUND") - LOST))
	LOST=$((LOST + lost))
	echo "# $1: $lost datagrams lost, flows lost: $((TCP + UDP - $(sed -n 's/^all \([0-9]*\) .*/\1/p' <<<"$ROUND")))"
	if [[ $ROUND == "all $((TCP + UDP)) after"* ]] && { [ -z "${2:-}" ] || ((lost <= $2)); }; then
		result ok "fault_$1"
	else
		result 'not ok' "fault_$1" "$ROUND"
		diagnose
	fi
}

# The log is a file on a disk of 64 KiB, which is full after the first lines.
mkdir "$DIR/small"
mount -t tmpfs -o size=64k nfqnat-test "$DIR/small" || exit 1
trap 'umount "$DIR/small"; cleanup' EXIT
cat >"$DIR/nfqnat.yaml" < <(config)
spawn host "$NFQNATD" --config "$DIR/nfqnat.yaml" -vv 2>"$DIR/small/log" >"$DIR/small/log" </dev/null
DAEMON=$SPAWNED
LOG=$DIR/small/log
daemon_ready || exit 1
crowd_start $HX4
disk_full() { (($(df --output=avail "$DIR/small" | tail -n 1) == 0)); }
check fault_disk_fills wait_for 20 disk_full
goes_on disk_full_for_the_log 0
kill -TERM "$CROWD"
wait "$CROWD"
daemon_stop || result 'not ok' fault_disk_full_stops "status $DAEMON_STATUS"
rm -f "$DIR/small/log"

LOST=0
daemon_start -v < <(config)
crowd_start $HX4

# ---- an outside address vanishes and returns ----
address_gone() {
	ip -n "$P-host" addr del $HX4/24 dev up0
	wait_for 1 false		# a second without it: questions are lost
	ip -n "$P-host" addr add $HX4/24 dev up0
	ip -n "$P-host" route replace 198.51.100.0/24 dev up0 src $HX4 2>/dev/null
}
address_gone
goes_on address_vanished_and_returned
# ---- the guest's way vanishes and returns ----
ip -n "$P-host" link set virbr0 down
wait_for 1 false
ip -n "$P-host" link set virbr0 up
ip -n "$P-host" addr replace $B6/64 dev virbr0 nodad
goes_on bridge_down_and_up

# ---- rules are flushed every 300 ms for a while: no connection ends ----
for _ in 1 2 3; do
	before=$(grep -c 'rules are back' "$LOG")
	host nft flush ruleset
	back_more() { (($(grep -c 'rules are back' "$LOG") > before)); }
	wait_for 10 back_more
done
goes_on rules_flushed_three_times
check fault_rules_flushed_new_flows sees client tcp $HX4 8080 $C4 $G4 80
kill -TERM "$CROWD"
wait "$CROWD"

# The wall clock's jumps are tried where it is nobody else's: tests/kernel/guest/clock.sh
LOST=0
crowd_start $HX4

# ---- a storm: bursts of more than a queue holds, from another address; those who talk go on ----
for i in 1 2 3 4 5 6 7 8; do
	client peer burst -t 0 -s 1:1400:1 $HX4 7 >/dev/null 2>&1
done
goes_on storm_of_datagrams

# ---- ENOBUFS: more octets than the sockets of the queues hold, while the worker stands still for a moment ----
# shellcheck disable=SC2016 # for awk
socket_full() { host awk '{ n += $7 } END { print n + 0; exit !n }' /proc/net/netfilter/nfnetlink_queue; }
enobufs() {
	local pid

	pid=$(worker)
	kill -STOP "$pid"
	for _ in 1 2 3 4; do
		client peer burst -t 0 -s 58500:60000:1 $HX4 7 >/dev/null 2>&1
		socket_full >/dev/null && break
	done
	kill -CONT "$pid"
	wait_for 10 socket_full || { echo "the sockets took it all"; return 1; }
	# Shown to who asks; a socket that stopped until it is drained would be worse (NETLINK_NO_ENOBUFS).
	ctl --json status | grep -qE '"dropped_socket": ?[1-9]' && [ "$(worker)" = "$pid" ]
}
check fault_enobufs_comes enobufs
echo "# enobufs: $(socket_full) packets did not fit into the sockets of the queues"
goes_on enobufs
# ---- the worker stands still for 10 s: it is replaced before that ----
hang() {
	local pid

	pid=$(worker)
	kill -STOP "$pid"
	wait_for 10 worker_is_not "$pid"
	# Whatever has become of it after 10 s: this one must not come back.
	kill -CONT "$pid" 2>/dev/null
	wait_for 10 log_has 'took over:'
}
check fault_worker_stopped_is_replaced hang
goes_on worker_stopped_for_10_s
kill -TERM "$CROWD"
wait "$CROWD"
tail -n 1 "$CROWD_SAID" | result_note
finish
