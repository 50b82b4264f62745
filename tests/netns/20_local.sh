#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host itself reaches the guest through its own addresses and through loopback.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

net_up
matrix_serve
serve guest tcp:7:echo udp:7:echo
serve host tcp:22:whoami tcp:81:whoami
config() {
	config_web
	echo "  - name: more
    to: [$G4, \"$G6\"]
    publish: [\"7:7\", \"7:7/udp\", \"8099:99/udp\", \"8099:99\"]"
}
daemon_start -v < <(config)

# First, while nothing else is going on: what is not forwarded is not queued.
before=$(queue_quiet)
check R30_own_service_loopback_v4 sees host tcp 127.0.0.1 22 127.0.0.1 127.0.0.1 22
check R30_own_service_loopback_v6 sees host tcp ::1 22 ::1 ::1 22
check R30_own_service_own_address_v4 sees host tcp $HX4 22 $HX4 $HX4 22
check R30_own_service_own_address_v6 sees host tcp $HX6 22 $HX6 $HX6 22
same R12_other_traffic_is_not_queued "$before" "$(queue_quiet)"

matrix_host_local
matrix_loopback

check R3_other_host_address_v4 sees host tcp $HY4 8080 $HY4 $G4 80
check R3_other_host_address_v6 sees host tcp $HY6 8080 $HY6 $G6 80
check R3_bridge_address_v4 sees host tcp $B4 8080 $B4 $G4 80
check R3_bridge_address_v6 sees host tcp $B6 8080 $B6 $G6 80
check R3_other_loopback_address sees host tcp 127.1.2.3 8080 $B4 $G4 80

for a in $HX4 127.0.0.1 $HX6 ::1; do
	check "R15_udp_lengths_$a" host peer burst -s 1:1400:93 $a 7
	check "R64_udp_fragments_$a" host peer burst -s 1473:20000:4900 $a 7
	check "R45_closed_tcp_port_$a" refused host tcp $a 8099
	check "R55_closed_udp_port_$a" refused host udp $a 8099
done

# chosen_port - a port the application chose itself is what the guest sees, where nothing forbids it
chosen_port() {
	[ "$(host peer tcp -b "$1" -p 40123 "$1" 8080)" = "tcp $1 40123 $2 80" ]
}
check R3_chosen_source_port_v4 chosen_port $HX4 $G4
check R3_chosen_source_port_v6 chosen_port $HX6 $G6

# loopback: many clients share the bridge's address, so ports must not collide
many() {
	local i pids=()

	for i in {1..30}; do
		host peer tcp "$1" 8080 >"$DIR/many.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat "$DIR"/many.* | grep -c "^tcp $2 .* 80$")" = 30 ] &&
		[ "$(cat "$DIR"/many.* | sort -u | wc -l)" = 30 ] && return
	sort "$DIR"/many.* | uniq -c
	return 1
}
check R21_thirty_flows_over_loopback_v4 many 127.0.0.1 $B4
check R21_thirty_flows_over_loopback_v6 many ::1 $B6

# 127.0.0.1 and the bridge's address from the same port: both would be BRIDGE:40124 to the guest. Never mixed.
same_port_twice() {
	hold one host "$3" 8080 -b "$3" -p 40124
	heard one "^tcp $3 40124 $4 80" || return
	hold two host "$1" 8080 -b "$2" -p 40124
	# The second may be refused, or come from another port.
	wait_for 2 test -s "$DIR/hold.two"
	! file_has "$DIR/hold.two" "^tcp $3 40124 " || return
	say one 'still there'
	local status=$?
	hang_up two
	hang_up one && return $status
}
check R23_loopback_and_bridge_from_one_port_v4 same_port_twice 127.0.0.1 127.0.0.1 $B4 $G4
check R23_loopback_and_bridge_from_one_port_v6 same_port_twice ::1 ::1 $B6 $G6

# What the host says to the guest itself is nobody's forward, though the answers look like a forward's.
check R12_host_to_guest_itself_v4 sees host tcp $G4 80 $B4 $G4 80
check R12_host_to_guest_itself_v6 sees host tcp $G6 80 $B6 $G6 80
finish
