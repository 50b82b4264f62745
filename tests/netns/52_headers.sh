#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bulk TCP by headers and marks: every octet arrives, whatever is killed, flushed or reloaded meanwhile.

. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
MIB=1048576
SMALL=$((${BULK_MIB:-64} * MIB))
MANY=$((SMALL / 655360 + 1))			# of the packets of so much, which are up to 64 KiB
MEDIUM=$((SMALL + 16 * MIB))
LARGE=$((SMALL * 8))
STEERING=iptables-legacy	# `nft flush ruleset` leaves its rules alone, so ours are all that goes

net_up
mkfifo "$DIR/sink"
serve guest tcp:7000:sink:"$DIR/sink" tcp:7001:source:$SMALL tcp:7002:source:$LARGE tcp:80:whoami
serve client tcp:7101:source:$MEDIUM tcp:80:whoami
config() {
	[ -z "${ROAD:-}" ] || echo "headers-only: $ROAD"
	config_head
	echo "  - name: bulk
    to: [$G4, \"$G6\"]
    publish: [\"7000-7002\", \"8080:80\"${1:-}]
masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}
declare -A WANT=()
for n in $SMALL $MEDIUM $LARGE; do
	WANT[$n]=$(peer gen "$n" | sha256)
done

# figure NAME - of `headers` in status; without Python, which Debian's kernel's guest (tests/kernel) has not
figure() { ctl --json status | tr -d '\n' | sed -nE 's/.*"headers": ?\{[^}]*"'"$1"'": ?("([^"]*)"|[^],}]*).*/\1/p' | tr -d '"'; }
figure_is() { [ "$(figure "$1")" = "$2" ]; }
# marked_by LEAST CMD... - CMD succeeds, and the kernel has rewritten so many of its packets
# A rewrite is made for the first packet that could use it: on a slow machine a short transfer may be over by then.
marked_by() {
	local before try

	before=$(figure by_mark)
	for try in 1 2 3; do
		"${@:2}" || return 1
		(($(figure by_mark) - before >= $1)) && return
		echo "$try: not so many"
	done
	echo "marked: $before, then $(figure by_mark)"
	host nft list table inet nfqnat-headers
	return 1
}
unmarked_by() {
	local before

	before=$(figure by_mark)
	"$@" && [ "$(figure by_mark)" = "$before" ]
}
# upload NS ADDR OCTETS PORT; download NS ADDR OCTETS PORT
upload() {
	local got

	sha256 <"$DIR/sink" >"$DIR/sum" &
	got=$(in_ns_for 40 "$1" peer tcp -t 20000 -g "$3" "$2" "$4" 2>&1)
	[ "$got" = "received $3" ] || {
		echo "server: $got"
		kill %% 2>/dev/null
		return 1
	}
	wait $!
	[ "$(cat "$DIR/sum")" = "${WANT[$3]}" ]
}
download() { [ "$(in_ns_for 40 "$1" peer tcp -t 20000 -o "$2" "$4" | sha256)" = "${WANT[$3]}" ]; }
# amid NAME CMD... - both directions are under way, by mark; then CMD; both arrive whole
amid() {
	local name=$1 before from
	shift

	upload client $HX4 $LARGE 7000 >"$DIR/amid.up" 2>&1 &
	local up=$!
	download client $HX6 $LARGE 7002 >"$DIR/amid.down" 2>&1 &
	local down=$!
	before=$(figure by_mark)
	from=$(passed client eth0)
	wait_for 10 passed_more client eth0 $((from + LARGE / 25))
	wait_for 10 marked_more "$before"
	if "$@" && wait $up && wait $down; then
		result ok "$name"
	else
		wait
		result 'not ok' "$name" "$(cat "$DIR/amid.up" "$DIR/amid.down")"
		diagnose
	fi
}
marked_more() { (($(figure by_mark) > $1 + 20)); }
table_has() { host nft list table inet nfqnat-headers 2>/dev/null | grep -qF -- "$1"; }
no_table() { ! host nft list tables | grep -q nfqnat-headers; }

daemon_start -v < <(config)
if ! figure_is road headers; then
	skip headers "this kernel does not rewrite by marks: $(figure why)"
	finish
fi

# ---- the road ----
for a in 4 6; do
	hx=HX$a
	check R6_headers_upload_v$a marked_by $MANY upload client "${!hx}" $SMALL 7000
	check R6_headers_download_v$a marked_by $MANY download client "${!hx}" $SMALL 7001
done
check headers_rule_reads table_has "ip daddr $HX4 tcp dport 7000 ip daddr set $G4 tcp dport set 7000 meta mark set 0x00000000"
check headers_rule_reads_v6 table_has "ip6 saddr $G6 tcp sport 7001 ip6 saddr set $HX6 tcp sport set 7001 meta mark set 0x00000000"
says() { ctl status | grep -qE -- "$1" || { ctl status; return 1; }; }
check headers_status_says says '^large TCP by its headers: [1-9][0-9]* packets by mark'
check headers_client_is_seen sees client tcp $HX4 8080 $C4 $G4 80
check headers_client_is_seen_v6 sees client tcp $HX6 8080 $C6 $G6 80
# Octets are those of the IP packets, not of what came here of them: all the payload, and not much more.
octets_are_counted() {
	local n

	n=$(ctl --json flows | grep -o '"octets":[0-9]*' | cut -d: -f2 | sort -n | tail -n 1)
	((n > SMALL && n < SMALL + SMALL / 8)) && return
	echo "octets: $n"
	return 1
}
check R91_octets_are_counted octets_are_counted

# ---- masquerade: a flow's mark is its own and made while it runs, late on a slow machine ----
check R18_headers_masquerade_v4 marked_by 1 download guest $C4 $MEDIUM 7101
check R18_headers_masquerade_v6 marked_by 1 download guest $C6 $MEDIUM 7101
check R18_headers_masquerade_is_seen sees guest tcp $C6 80 $HX6 $C6 80

# ---- the host's own, and hairpins, come whole ----
check R75_headers_local unmarked_by download host $HX4 $SMALL 7001
check R75_headers_local_v6 unmarked_by upload host $HX6 $SMALL 7000
check R75_headers_loopback download host 127.0.0.1 $SMALL 7001
check R75_headers_hairpin unmarked_by download guest2 $HX4 $SMALL 7001
check R75_headers_hairpin_upload unmarked_by upload guest2 $HX6 $SMALL 7000

# ---- marks of others ----
# foreign_marks -I|-D
foreign_marks() {
	local i

	for i in iptables ip6tables; do
		host $i-legacy -t raw "$1" PREROUTING -p tcp -i up0 -j MARK --set-mark 0x4e460001 &&
			host $i-legacy -t mangle "$1" POSTROUTING -p tcp -o up0 -j MARK --set-mark 0x4e460001 || return
	done
}
check headers_foreign_marks_come foreign_marks -I
check headers_foreign_mark unmarked_by upload client $HX4 $SMALL 7000
check headers_foreign_mark_v6 unmarked_by download client $HX6 $SMALL 7001
check headers_foreign_marks_go foreign_marks -D

# ---- in the middle of a transfer ----
restored() { wait_for 10 log_has 'nfqnat-headers was changed' && wait_for 10 figure_is open true; }
flush() { host nft flush ruleset && restored; }
drop_chain() { : >"$LOG"; host nft flush chain inet nfqnat-headers prerouting && restored; }
amid headers_flush_ruleset flush
check headers_is_used_again marked_by $MANY download client $HX4 $SMALL 7001
amid headers_flush_chain drop_chain
kill_worker() {
	local old

	old=$(worker) && kill -KILL "$old" && wait_for 10 worker_is_not "$old"
}
amid R88_headers_worker_killed kill_worker
reload() {
	config ', "7009"' >"$DIR/nfqnat.yaml"
	kill -HUP "$DAEMON" && wait_for 10 log_has 'configuration reloaded'
}
amid headers_reload reload
check headers_after_all marked_by $MANY upload client $HX6 $SMALL 7000

# ---- watchers ----
ctl trace -c 200 'tcp port 7001' >"$DIR/trace" 2>&1 &
PIDS+=($!)
watched() { ctl --json status | grep -qE '"now": ?1'; }
wait_for 5 watched
check R91_trace_while_marked download client $HX4 $SMALL 7001
check R91_trace_tells_marks wait_for 5 grep -q 'by mark 0x4e46' "$DIR/trace"
stops headers_stops
check headers_leaves_no_table no_table

# ---- killed, and a start that does not want it ----
daemon_start -v < <(config)
check headers_table_is_there table_has 'meta mark vmap @pre'
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
ROAD=off
daemon_start -v < <(config)
check headers_off_leaves_no_table no_table
check headers_off_says_why figure_is why 'headers-only: off'
check headers_off_status_says says '^large TCP comes whole: headers-only: off'
check R6_headers_off_upload upload client $HX4 $SMALL 7000
check R6_headers_off_download download client $HX6 $SMALL 7001
stops headers_off_stops
ROAD=auto

# ---- the main process is killed ----
main_pid() { awk '{ print $1 }' "/proc/$DAEMON/task/$DAEMON/children" 2>/dev/null; }
main_is_new() { local now; now=$(main_pid) && [ -n "$now" ] && [ "$now" != "$1" ]; }
daemon_start --keep -v < <(config)
kill_main() {
	local old

	old=$(main_pid) && kill -KILL "$old" && wait_for 10 main_is_new "$old" && wait_for 10 figure_is road headers
}
amid R88_headers_main_killed kill_main
check R88_headers_taken_over marked_by $MANY upload client $HX4 $SMALL 7000
stops headers_keeper_stops
check headers_keeper_leaves_no_table no_table

# ---- libvirt's own rules, and the other flavour ----
STEERING=iptables-nft
host iptables-legacy-restore -w --noflush <"$HERE/libvirt-iptables.rules"
host ip6tables-legacy-restore -w --noflush <"$HERE/libvirt-ip6tables-nat.rules"
daemon_start -v < <(config)
check headers_libvirt_upload marked_by $MANY upload client $HX4 $SMALL 7000
check headers_libvirt_download_v6 marked_by $MANY download client $HX6 $SMALL 7001
stops headers_libvirt_stops
finish
