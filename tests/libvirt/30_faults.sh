#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libvirtd stopped, killed, hanging: guests stay known, and the truth is there soon after its return.

. "$(dirname "$0")/lib.sh"

lab_ready
vl start c1 >/dev/null
follow lxc:///system test:///default
sees guest "$LONG" 'up("c1") and addrs("c1").count("/lease") == 2'

# right NAME EXPR - true now that libvirtd answers again; how long it took is told (goal: 2 s), not judged
right() {
	local from to

	from=$(now_ms)
	to=$("$HERE/world" "$DIR/world" "$LONG" "$2")
	if [ -n "$to" ] && [[ $to != *[!0-9]* ]]; then
		result ok "$1"
		echo "known $((to - from)) ms after libvirtd answered" | result_note
	else
		result 'not ok' "$1" "$2"
		result_note <<<"$to"
		diagnose
	fi
}
returned() {
	must "libvirtd starts" libvirtd_start
	right "$@"
}

for signal in TERM KILL; do
	libvirtd_end $signal
	sees "sig${signal,,}_guests_stay_known" "$LONG" 'conn("lxc") == False and why("lxc") and up("c1") and addrs("c1").count("/lease") == 2
		and conn("test")'
	returned "sig${signal,,}_and_back" 'conn("lxc") and up("c1")'
done

# What happens while nobody tells.
libvirtd_end TERM
# the container's first process; its NIC goes with its namespace
kill -9 "$(pgrep -P "$(cat /run/libvirt/lxc/c1.pid)")"
sees ended_meanwhile_by_link "$LONG" 'conn("lxc") == False and not up("c1") and state("c1") == "running"'
returned ended_meanwhile 'state("c1") == "off"'
vl start c1 >/dev/null
sees started_again "$LONG" 'up("c1") and addrs("c1").count("/lease") == 2'

# A libvirtd that hangs: virConnectOpen() does not return, and the other connection works.
kill "$FOLLOWER"
wait "$FOLLOWER"
kill -STOP "$(libvirtd_pid)"
follow lxc:///system test:///default
sees hung_open_does_not_stop_others "$LONG" 'conn("test") and state("test") == "running" and not conn("lxc")'
sees hung_open_is_told "$LONG" 'conn("lxc") == False and "does not answer" in why("lxc")'
kill -CONT "$(libvirtd_pid)"
sees hang_ends "$LONG" 'conn("lxc") and up("c1")'

# One that hangs later is nobody's concern until it is asked; its guests stay.
kill -STOP "$(libvirtd_pid)"
check sigstop_guests_stay_known world 3 'up("c1") and conn("test")'
kill -9 "$(pgrep -P "$(cat /run/libvirt/lxc/c1.pid)")"
sees sigstop_ended_by_link "$SOON" 'not up("c1") and state("c1") == "running"'
kill -CONT "$(libvirtd_pid)"
right sigstop_and_right 'state("c1") == "off"'

# Its own processes are killed: others take their place, and nothing is forgotten.
vl start c1 >/dev/null
sees guest_once_more "$LONG" 'up("c1")'
before=$(wc -l <"$DIR/world")
for pid in $(pgrep -P "$FOLLOWER"); do
	kill -9 "$pid"
done
check killed_children_are_told wait_for "$LONG" grep -q 'has ended; another is started' "$DIR/world"
sees killed_children_are_replaced "$LONG" 'conn("lxc") and conn("test") and up("c1")'
every_world_has_c1() { ! tail -n "+$before" "$DIR/world" | grep -v '"name":"c1"'; }
check killed_children_guests_stay_known every_world_has_c1
check runs_as_nobody test "$(ps -o user= -p "$FOLLOWER")" = nobody
check no_capabilities_left test "$(grep -cE '^Cap(Prm|Eff|Inh|Amb):\s0+$' "/proc/$FOLLOWER/status")" = 4
check no_new_privileges grep -qE '^NoNewPrivs:\s1$' "/proc/$FOLLOWER/status"
vl destroy c1 >/dev/null
