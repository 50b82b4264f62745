#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What nfqnatctl prints for people fits 80 columns, whatever is in it; for a program it is one record a line.

. "$(dirname "$0")/lib.sh"

net_up
# The longest that there is: no zeros to leave out.
L6=2001:db8:100:0:1234:5678:9abc:def0 LH6=2001:db8:100:0:1111:2222:3333:4444 LG6=fd00:122:0:0:aaaa:bbbb:cccc:dddd
ip -n "$P-client" addr add $L6/64 dev eth0 nodad
ip -n "$P-client" addr del $C6/64 dev eth0
ip -n "$P-host" addr add $LH6/64 dev up0 nodad
ip -n "$P-guest" addr add $LG6/64 dev eth0 nodad
serve guest tcp:80:whoami udp:80:whoami
config_long() {
	config_head
	cat <<-END
		  - name: a-forward-with-a-name-of-thirty-nine-letters
		    to: [$G4, "$LG6"]
		    allow: [ "2001:db8:100::/64", "198.51.100.0/24" ]
		    publish: ["8080:80", "8080:80/udp", "[$LH6]:9000-9100:100-200", icmp]
	END
}
daemon_start -v < <(config_long)

# columns FILE - the widest line, without escape sequences
columns() { sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '{ n = length($0); most = n > most ? n : most } END { print most + 0 }' FS='\n'; }
# fits ARG... - what is printed as on a terminal of 80 columns fits; and something is
fits() {
	host env LC_ALL=C.UTF-8 COLUMNS=80 timeout 20 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" --colour always "$@" >"$DIR/out" 2>&1
	[ -s "$DIR/out" ] && (($(columns "$DIR/out") <= 80)) && return
	awk 'length($0) > 80' "$DIR/out"
	return 1
}
# all_there PATTERN... - in what was printed last, folded or not
all_there() {
	local p

	for p; do
		tr -s ' \n' ' ' <"$DIR/out" | sed 's/\x1b\[[0-9;]*m//g' | grep -qF -- "$p" || { echo "lacks: $p"; return 1; }
	done
}

hold six client $LH6 8080 -t 60000
check width_connected heard six '^tcp '
hold four client $HX4 8080 -t 60000
check width_connected4 heard four '^tcp '
say six "some octets" || result 'not ok' width_say
check width_flows fits flows
check width_flows_are_whole all_there "> [$LH6]:8080" "[fd00:122::aaaa:bbbb:cccc:dddd]:80" ESTABLISHED
check width_flows_long fits flows --long
check width_flows_long_is_whole all_there "=> [" "forward a-forward-with-a-name-of-thirty-nine-letters sent"
check width_forwards fits forwards
check width_forwards_are_whole all_there "[fd00:122::aaaa:bbbb:cccc:dddd]:100-200" "2 prefixes"
check width_status fits status
check width_why fits why tcp "[$L6]:4000" "[$LH6]:8080"
check width_why_dropped fits why tcp "[2001:db8:999::1]:4000" "[$LH6]:8080"
check width_top fits top --once
check width_top_guests fits top --once --guests
check width_help fits --help
check width_add fits add --to "$LG6" --name another-name-that-is-rather-long 8100:80
check width_add_mistake fits add --to 1.2.3 --when-off nonsense 99999 8101/nonsense
check width_del fits del another-name-that-is-rather-long
check width_del_unknown fits del there-is-no-forward-of-this-name-at-all-and-never-was-one
check width_reload fits reload
for command in flows events why trace capture top add flush doctor import; do
	check "width_usage_$command" fits $command --nonsense
done
check width_no_command fits nonsense-that-is-no-command-of-this-program-whatever-one-may-try-to-do
check width_no_daemon fits --socket "$DIR/no-daemon-listens-here.sock" status
check width_bad_filter fits trace "host and"

# Streams: what one connection makes of them.
stream() {
	spawn host env COLUMNS=80 timeout 20 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" "$@" >"$DIR/out" 2>&1
	wait_for 5 watching && client peer tcp $LH6 8080 >/dev/null && wait_for 20 gone "$SPAWNED"
	[ -s "$DIR/out" ] && (($(columns "$DIR/out") <= 80))
}
watching() { ctl status | grep -q '^1 watch'; }
check width_events stream events -c 3
check width_events_are_whole all_there "=> [" "forward a-forward-with-a-name-of-thirty-nine-letters"
check width_trace stream trace -c 2
check width_trace_is_whole all_there "translated, new flow" "us"
check width_flush fits flush --family 6

# doctor: all but the commands, which are there to be copied.
doctor_fits() {
	host env LC_ALL=C.UTF-8 COLUMNS=80 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" doctor --config "$DIR/nfqnat.yaml" >"$DIR/out" 2>&1
	! awk 'length($0) > 80 && !/^         [^ ]/ { print; bad = 1 } END { exit !bad }' "$DIR/out"
}
check width_doctor doctor_fits

# ---- not for a terminal: a flow a line, and all of it ----
one_line() { ctl "$@" | grep -qE "^tcp +ESTABLISHED .*:8080 .*:80 .*"; }
check width_a_pipe_has_one_line one_line flows
wide() { host env COLUMNS=80 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" --wide flows | grep -qE "^tcp +ESTABLISHED .*:8080 .*:80 .*"; }
check width_wide_has_one_line wide
json() { host env COLUMNS=80 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" --json flows | python3 -c 'import json, sys; [json.loads(l) for l in sys.stdin]'; }
check width_json_is_not_folded json
metrics() { host env COLUMNS=80 "$BUILD/nfqnatctl" --socket "$DIR/control.sock" metrics >"$DIR/m80" && ctl metrics >"$DIR/m" && [ "$(wc -l <"$DIR/m80")" = "$(wc -l <"$DIR/m")" ]; }
check width_metrics_are_not_folded metrics
# On a terminal of its own, 80 columns wide: script(1) makes one.
on_terminal() { script -qec "stty cols 80; nsenter --net=/run/netns/$P-host $BUILD/nfqnatctl --socket $DIR/control.sock status" "$DIR/screen" </dev/null >/dev/null && sed -i 's/\r//g; /^Script/d' "$DIR/screen" && (($(columns "$DIR/screen") <= 80)) && grep -q worker "$DIR/screen"; }
check width_on_a_terminal on_terminal
stops width_stop
finish
