#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest reaches a forward through the host's outside address: its own, and another guest's.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

net_up
matrix_serve
serve guest tcp:7:echo udp:7:echo
serve guest2 tcp:80:whoami udp:80:whoami
config() {
	config_web
	echo "  - name: echo
    to: [$G4, \"$G6\"]
    publish: [\"7:7\", \"7:7/udp\", \"8099:99/udp\", \"8099:99\"]
  - name: other
    to: [$GG4, \"$GG6\"]
    publish: [\"8090:80\", \"8090:80/udp\"]"
}
daemon_start -v < <(config)

matrix_hairpin_self
matrix_hairpin_other
check R75_hairpin_between_guests_v4 sees guest tcp $HX4 8090 $HX4 $GG4 80
check R75_hairpin_between_guests_v6 sees guest tcp $HX6 8090 $HX6 $GG6 80
check R75_hairpin_other_host_address_v4 sees guest2 tcp $HY4 8080 $HY4 $G4 80
check R75_hairpin_other_host_address_v6 sees guest2 tcp $HY6 8080 $HY6 $G6 80

for a in $HX4 $HX6; do
	for g in guest guest2; do
		check "R75_hairpin_${g}_udp_lengths_$a" in_ns $g peer burst -s 1:1400:93 $a 7
		check "R75_hairpin_${g}_udp_fragments_$a" in_ns $g peer burst -s 1473:20000:4900 $a 7
		check "R75_hairpin_${g}_closed_tcp_port_$a" refused $g tcp $a 8099
		check "R75_hairpin_${g}_closed_udp_port_$a" refused $g udp $a 8099
	done
done

# The same source port of two guests to one forward: the sources would be one HX:PORT. Never mixed.
same_port_twice() {
	local status

	hold one guest "$1" 8080 -p 40126
	heard one '^tcp ' || return
	hold two guest2 "$1" 8080 -p 40126
	heard two '^tcp ' || return
	! cmp -s "$DIR/hold.one" "$DIR/hold.two" || return
	say one 'this is one' && say two 'this is two'
	status=$?
	hang_up two
	hang_up one && return $status
}
check R21_two_guests_from_one_port_v4 same_port_twice $HX4
check R21_two_guests_from_one_port_v6 same_port_twice $HX6

# big - more than a window, there and back
big() {
	[ "$(guest2 peer tcp -g 20000000 "$1" 7 | sha256)" = "$(peer gen 20000000 | sha256)" ]
}
check R75_hairpin_20_MB_v4 big $HX4
check R75_hairpin_20_MB_v6 big $HX6

# An outside client is still seen as itself.
check R27_external_beside_hairpin_v4 sees client tcp $HX4 8080 $C4 $G4 80
check R27_external_beside_hairpin_v6 sees client tcp $HX6 8080 $C6 $G6 80
finish
