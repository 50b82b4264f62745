#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two guests send datagrams in pieces, of one identification and at one time, to one receiver: both arrive intact.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
config() {
	cat <<-END
		forwards:
		  - { name: one, to: [$G4, "$G6"], publish: ["9001:9001/udp"] }
		  - { name: two, to: [$GG4, "$GG6"], publish: ["9002:9001/udp"] }
		masquerade:
		  - { from: [192.168.122.0/24, "fd00:122::/64"], out: up0 }
	END
}

net_up
daemon_start -v < <(config)
adopt python3 "$HERE/ident.py" "$P-client" "$P-guest" "$P-guest2" reassembled
stops R28_stop
# What the kernel's reassembly in this namespace was switched on by stays on: another world is needed for the rest.
ip netns del "$P-host"
ip netns del "$P-client"
ip netns del "$P-guest"
ip netns del "$P-guest2"
without_conntrack
net_up
daemon_start -v < <(config)
if log_has 'no match for fragments'; then
	skip R28_in_pieces "this kernel has no u32 match"
	finish
fi
adopt python3 "$HERE/ident.py" "$P-client" "$P-guest" "$P-guest2" in_pieces
finish
