#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The basic matrix once more where bridged frames pass iptables too, as on Docker hosts (R11).

# shellcheck disable=SC2034 # the words in capitals are for lib.sh and matrix.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

net_up
matrix_serve
serve guest tcp:81:whoami
if ! brnf 1; then
	skip R11_br_netfilter "this kernel has no br_netfilter"
	finish
fi
# A frame that goes back to the port it came from needs this: a guest asking for its own forward (R11).
host bridge link set dev vnet0 hairpin on

daemon_start -v < <(config_web)
SUFFIX=_brnf1
matrix

# Frames from guest to guest are nobody's forward, whatever hook they pass.
check R11_guest_to_guest_tcp_v4 sees guest2 tcp $G4 80 $GG4 $G4 80
check R11_guest_to_guest_tcp_v6 sees guest2 tcp $G6 80 $GG6 $G6 80
check R11_guest_to_guest_udp_v4 sees guest2 udp $G4 80 $GG4 $G4 80
check R11_guest_to_guest_udp_v6 sees guest2 udp $G6 80 $GG6 $G6 80
check R11_guest_to_guest_icmp_v4 guest2 ping -n -c 2 -i 0.05 -W 5 $G4
check R11_guest_to_guest_icmp_v6 guest2 ping -n -c 2 -i 0.05 -W 5 $G6
# By a trace and not by counts: a guest may say FIN again meanwhile, which a client at [::1] that has closed does not hear.
spawn host "$BUILD/nfqnatctl" --socket "$DIR/control.sock" trace tcp >"$DIR/trace"
traced() { sees client tcp "$1" 8080 "$2" "$3" 80 && wait_for 1 grep -qF "$1" "$DIR/trace"; }
check R12_a_trace_shows_what_is_queued wait_for 10 traced $HX4 $C4 $G4
check R11_guest_to_guest_other_port_v4 sees guest2 tcp $G4 81 $GG4 $G4 81
check R11_guest_to_guest_other_port_v6 sees guest2 tcp $G6 81 $GG6 $G6 81
check R12_a_trace_shows_what_came_after wait_for 10 traced $HX6 $C6 $G6
check R12_other_frames_are_not_queued eval '! grep -E ":81\b" "$DIR/trace"'

# Switched under a running daemon (Docker is started later): nothing to do, all still works.
brnf 0
SUFFIX=_brnf_switched_off
matrix
finish
