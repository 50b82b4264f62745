#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Killed and stopped processes: transfers go on, and no packet passes untranslated meanwhile.

. "$(dirname "$0")/lib.sh"

OCTETS=300000000

net_up
# One port and one sink for each upload: a failed one cannot disturb the next.
for n in {7001..7009}; do
	mkfifo "$DIR/sink.$n"
	serve guest tcp:$n:sink:"$DIR/sink.$n"
done
PORT=7000
serve guest tcp:7:echo udp:7:echo tcp:80:whoami
serve host tcp:8080:whoami udp:7:echo
config() {
	config_head
	echo "  - name: bulk
    to: [$G4, \"$G6\"]
    publish: [\"7001-7009\", \"7\", \"7/udp\", \"8080:80\"]
  - name: talk
    to: [$G4, \"$G6\"]
    publish: [\"$HX4:9100:9100\", \"[$HX6]:9100:9100\"]"
}
daemon_start -v < <(config)
WANT=$(peer gen $OCTETS | sha256)

# upload_start ADDR OCTETS_PER_S - in the background
upload_start() {
	PORT=$((PORT + 1))
	sha256 <"$DIR/sink.$PORT" >"$DIR/sum.$PORT" &
	SUM=$!
	BEFORE=$(passed host up0)
	spawn client peer tcp -g $OCTETS -r "$2" -t 15000 "$1" $PORT >"$DIR/up" 2>&1
	UPLOAD=$SPAWNED
	wait_for 5 upload_has 10000000 || result 'not ok' "$SUITE" "the upload does not start"
}
# upload_has OCTETS - so many arrived at the host
upload_has() { passed_more host up0 $((BEFORE + $1)); }
upload_ends() {
	if ! wait_for 25 gone "$UPLOAD" || [ "$(cat "$DIR/up")" != "received $OCTETS" ]; then
		echo "server: $(cat "$DIR/up")"
		kill "$UPLOAD" "$SUM" 2>/dev/null
		return 1
	fi
	wait_for 5 gone "$SUM"
	[ "$(cat "$DIR/sum.$PORT")" = "$WANT" ]
}
# flows_to PORT - how many flows the log tells of
flows_to() {
	grep -cE "flow [0-9]+ new.*:$1 =>" "$LOG"
}
new_worker() {
	local old

	old=$(worker) || return
	kill -KILL "$old"
	wait_for 5 worker_is_not "$old"
}

# ---- the worker is killed ----
# worker_has - what kinds of descriptors it has; a later one must not inherit more of the main process than the first
worker_has() {
	local fd

	for fd in /proc/"$(worker)"/fd/*; do
		readlink "$fd"
	done | sed 's/:.*//; s|.*/||' | sort | uniq -c
}
WORKER_HAS=$(worker_has)
upload_start $HX4 150000000
check fault_worker_is_replaced new_worker
check fault_upload_over_killed_worker_v4 upload_ends
same fault_later_worker_has_no_more_descriptors "$WORKER_HAS" "$(worker_has)"
same fault_flow_kept_v4 1 "$(flows_to $PORT)"

upload_start $HX6 100000000
five_times() {
	local i

	for i in 1 2 3 4 5; do
		new_worker || return
		wait_for 5 upload_has $((i * 40000000)) || return
	done
}
check fault_worker_is_replaced_five_times five_times
check fault_upload_over_five_killed_workers_v6 upload_ends
same fault_flow_kept_v6 1 "$(flows_to $PORT)"
check fault_new_flow_after_killed_worker sees client tcp $HX4 8080 $C4 $G4 80

# ---- the worker is stopped: silence, and nothing untranslated (R9) ----
# freeze PID - stop it, and be sure that every thread has stopped
freeze() {
	kill -STOP "$1"
	wait_for 5 frozen "$1" && return
	grep -H State /proc/"$1"/task/*/status
	return 1
}
frozen() { ! grep -h '^State:' /proc/"$1"/task/*/status | grep -qv T; }
untranslated='net 192.168.122.0/24 or net fd00:122::/64'
stopped() {
	local pid said status

	pid=$(worker) || return
	hold talk client "$1" 7
	say talk one || return
	sniff client eth0 "$untranslated"
	freeze "$pid" || return
	# A second of questions. The host's own service on that port must not answer either.
	said=$(client peer burst -t 5 -s 1:200:1 "$1" 7)
	SAY_S=1 say talk two >/dev/null && said="$said; answered over TCP"
	kill -CONT "$pid"
	say talk three
	status=$?
	hang_up talk
	sniff_end
	grep . "$SNIFFED" && {
		echo "left untranslated"
		status=1
	}
	grep -qx '0 of 200' <<<"$said" || {
		tail -n 1 <<<"$said"
		status=1
	}
	return $status
}
check R9_stopped_worker_v4 stopped $HX4
check R9_stopped_worker_v6 stopped $HX6

# ---- more packets than a queue holds: dropped and counted, and then all is well again ----
overflow() {
	local pid i dropped

	pid=$(worker) || return
	freeze "$pid" || return
	for i in 1 2 3 4 5 6; do
		client peer burst -t 0 -s 1:1400:1 $HX4 7 >/dev/null
	done
	# shellcheck disable=SC2016 # for awk
	dropped=$(host awk '{ n += $6 + $7 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue)
	kill -CONT "$pid"
	((dropped > 0)) || echo "nothing was dropped"
	wait_for 5 client peer burst -t 300 -s 100:100:1 $HX4 7 && ((dropped > 0))
}
check R9_queue_overflow overflow
check R9_new_flow_after_overflow_v4 sees client tcp $HX4 8080 $C4 $G4 80
check R9_new_flow_after_overflow_v6 sees client tcp $HX6 8080 $C6 $G6 80

# ---- the whole daemon is killed and started again in the middle of an upload (R31, R88) ----
killed() {
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	DAEMON=
}
restart() {
	killed
	wait_for 10 no_queue
	daemon_again
	daemon_ready
}
upload_start $HX4 150000000
restart
check R31_upload_over_restarted_daemon_v4 upload_ends
upload_start $HX6 150000000
restart
check R31_upload_over_restarted_daemon_v6 upload_ends

# ---- the flows are lost, and it is the guest who speaks first: what it says arrives (R31) ----
# talk V LISTEN CALL - a connection on which the guest says what comes into guest.V; the client's end writes heard.V
talk() {
	mkfifo "$DIR/guest.$1"
	exec {HELD_FD[guest$1]}<>"$DIR/guest.$1"
	# shellcheck disable=SC2261 # spawn hands its standard input on
	spawn guest python3 -c 'import socket, sys
s = socket.create_server((sys.argv[1], 9100), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listens", flush=True)
c = s.accept()[0]
for line in sys.stdin: c.sendall(line.encode())' "$2" <"$DIR/guest.$1" >"$DIR/listens.$1"
	wait_for 5 grep -q listens "$DIR/listens.$1"
	spawn client python3 -c 'import socket, sys
for line in socket.create_connection((sys.argv[1], 9100)).makefile(): print(line, end="", flush=True)' "$3" >"$DIR/heard.$1"
}
guest_says() {
	echo "$2" >&"${HELD_FD[guest$1]}"
	wait_for 8 grep -q "^$2\$" "$DIR/heard.$1"
}
talk 4 $G4 $HX4
talk 6 $G6 $HX6
check R31_guest_says_v4 guest_says 4 before
check R31_guest_says_v6 guest_says 6 before
restart
check R31_guest_speaks_first_v4 guest_says 4 after
check R31_guest_speaks_first_v6 guest_says 6 after
check R31_guests_segment_was_picked_up wait_for 10 log_has "new tcp .*:9100 .*forward talk"

# The same with an orderly stop. Meanwhile the port is the host's, which would reset the
# connection: so the line is cut for the moment.
upload_start $HX4 150000000
client iptables-nft -w -I OUTPUT -p tcp --dport $PORT -j DROP
stops fault_daemon_stops
daemon_again
daemon_ready
client iptables-nft -w -D OUTPUT -p tcp --dport $PORT -j DROP
check R88_upload_over_orderly_restart upload_ends

# At once, while the old worker is perhaps still ending: as an impatient supervisor does.
killed
daemon_again
if wait_for 15 log_has 'ready:'; then
	result ok R88_restart_at_once
else
	result 'not ok' R88_restart_at_once
	tail -n 3 "$LOG" | result_note
	DAEMON=
fi
finish
