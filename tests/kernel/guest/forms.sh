#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every form of rule that a configuration can ask for is one that nft and the kernel take, and it works.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
matrix_serve

# works NAME PORT [PATTERN] <config - it starts, the port is forwarded, the table has PATTERN; then it is stopped
works() {
	daemon_run -v
	if ! daemon_ready; then
		end_pid "$DAEMON"
		DAEMON=
		return
	fi
	check "form_$1_tcp_v4" sees client tcp $HX4 "$2" $C4 $G4 80
	check "form_$1_tcp_v6" sees client tcp $HX6 "$2" $C6 $G6 80
	[ -z "${3:-}" ] || check "form_$1_rule" eval "our_table | grep -qE '$3'"
	stops "form_$1_stop"
	check "form_$1_gone" no_table
}
# tcp_queues - rules that bring TCP to a queue: of one worker, or in the chains of several
tcp_queues() { our_table | sed -n '/tcp dport.*queue/p; /chain nfqnat-/,/}/p' | grep queue; }
# with SETTING... - settings before the usual configuration
with() {
	printf '%s\n' "$@"
	config_web
}

works one_worker 8080 'queue to 0$' < <(with 'workers: 1')
works two_workers 8080 'ip saddr & 0.0.0.1 .*queue to 0$' < <(with 'workers: 2')
works five_workers 8080 'ip6 daddr & ::f .*queue to 3$' < <(with 'workers: 5')

# A thousand lone ports, ranges in between, and the last port of all.
many_ports() {
	local i list=''

	for ((i = 0; i < 1000; i++)); do
		list+="\"$((10000 + 3 * i)):80/tcp\", "
	done
	config_head
	echo "  - to: [$G4, \"$G6\"]
    publish: [$list \"20000-29999:20000-29999\", \"30001-39999:30001-39999/udp\", \"8080:80\", \"1:80\", \"60999:80\"]"
}
works many_ports 12997 < <(many_ports)
works many_ports_last 60999 < <(many_ports)

# A hundred guests and as many listen addresses.
many_guests() {
	local i

	config_web
	for i in {100..199}; do
		echo "  - to: [192.168.122.$i, \"fd00:122::$i\"]
    publish: [\"203.0.113.$i:80:80\", \"[2001:db8:203::$i]:80:80\", \"%up0:$((11000 + i)):80/udp\", \"203.0.113.$i/icmp\"]"
	done
}
works many_guests 8080 'ip6 daddr fd00:122::199' < <(many_guests)

# A device that is not there, and names that nft could take for words of its own.
devices() {
	config_web
	echo "  - to: [$G4]
    publish: [\"%nosuch0:9001:80\", \"%accept:9002:80\", \"%eth0.100:9003:80\", \"%up0:9004:80\"]"
}
works devices 8080 'iifname "accept"' < <(devices)

# One family only: the other family's rules are not there.
four() {
	config_head
	echo "  - to: [$G4]
    publish: [\"8080:80\"]"
}
daemon_start -v < <(four)
check form_only_v4 sees client tcp $HX4 8080 $C4 $G4 80
check form_only_v4_leaves_v6 sees client tcp $HX6 8080 $C6 $HX6 8080
stops form_only_v4_stop

# Open on failure: a dead daemon leaves the port to the host.
FAIL=open
for n in 1 2; do
	daemon_start -v < <(with "workers: $n")
	check form_open_${n}_rule eval "tcp_queues | grep -q 'queue flags bypass'"
	check form_open_${n}_works sees client tcp $HX4 8080 $C4 $G4 80
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	DAEMON=
	check form_open_${n}_falls_to_host_v4 wait_for 10 sees client tcp $HX4 8080 $C4 $HX4 8080
	check form_open_${n}_falls_to_host_v6 wait_for 10 sees client tcp $HX6 8080 $C6 $HX6 8080
done
FAIL=closed
daemon_start -v < <(config_web)
check form_closed_rule eval "tcp_queues | grep -q 'queue to'"
check form_closed_after_open eval "! tcp_queues | grep -q bypass"
check form_closed_after_open_works sees client tcp $HX6 8080 $C6 $G6 80
finish
