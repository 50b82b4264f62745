#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel without conntrack: the daemon says so and forwards.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
cannot no_conntrack nf_conntrack nft_ct xt_conntrack nf_nat
matrix_serve
serve guest udp:7:echo
config() {
	config_web
	echo "  - name: echo
    to: [$G4, \"$G6\"]
    publish: [\"7:7/udp\"]"
}
daemon_start -v < <(config)
check no_conntrack_is_told log_has 'no conntrack in this kernel'
matrix
check no_conntrack_udp_lengths_v4 client peer burst -s 1:1472:147 $HX4 7
check no_conntrack_udp_lengths_v6 client peer burst -s 1:1452:147 $HX6 7
# Nobody puts fragments together here but the guests' own kernels.
check R64_no_conntrack_udp_fragments_v4 client peer burst -s 1473:20000:6000 $HX4 7
check R64_no_conntrack_udp_fragments_v6 client peer burst -s 1453:20000:6000 $HX6 7
check no_conntrack_no_ct_rules eval '! rules | grep -qE "ct state|ctstate"'

# A reload keeps to what was found at the start.
config >"$DIR/nfqnat.yaml"
echo "    # changed" >>"$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check no_conntrack_reload wait_for 5 log_has 'configuration reloaded'
check no_conntrack_after_reload_v4 sees client tcp $HX4 8080 $C4 $G4 80
check no_conntrack_after_reload_v6 sees client tcp $HX6 8080 $C6 $G6 80
check no_conntrack_never_loaded eval '! lsmod_has nf_conntrack'
stops no_conntrack_stop
check no_conntrack_gone no_rules_of_ours
finish
