#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What guests say to the outside through the kernel's masquerade and through nfqnat's: every difference is meant and explained.

. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

if ! command -v python3 >/dev/null; then
	skip out_as_kernel "there is no python3"
	finish
fi
net_up
if ! host nft 'add table inet t; add chain inet t c { type nat hook postrouting priority 100; }; delete table inet t' 2>/dev/null; then
	skip out_as_kernel "this kernel has no NAT to compare with"
	finish
fi
raw_neighbours
host ip route add 192.0.2.0/24 via 198.51.100.77
host ip route add 2001:db8:99::/64 via 2001:db8:100::77

record() {
	python3 "$HERE/same_as_kernel_out.py" record "$DIR/$1.json" "$P-client" "$P-guest" "$(raw_mac up0)" "$(raw_mac virbr0)" >"$DIR/said" 2>&1 ||
		{ result 'not ok' "out_as_kernel_$1" "not recorded"; result_note <"$DIR/said"; }
}

# The forward is for the markers that tell when a word is through.
host nft -f - <<-END
	table inet kernel {
		chain pre {
			type nat hook prerouting priority -100;
			ip daddr $HX4 meta l4proto { tcp, udp } th dport 8089 dnat ip to 192.168.122.60:89
			ip6 daddr $HX6 meta l4proto { tcp, udp } th dport 8089 dnat ip6 to [fd00:122::60]:89
		}
		chain post {
			type nat hook postrouting priority 100;
			oifname up0 ip saddr 192.168.122.0/24 masquerade
			oifname up0 ip6 saddr fd00:122::/64 masquerade
		}
	}
END
record kernel
host nft delete table inet kernel
host conntrack -F 2>/dev/null

config() {
	config_head
	echo "  - name: markers
    to: [192.168.122.60, \"fd00:122::60\"]
    publish: [\"8089:89\", \"8089:89/udp\"]
masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}
daemon_start -v < <(config)
record nfqnat

adopt python3 "$HERE/same_as_kernel_out.py" compare "$DIR/kernel.json" "$DIR/nfqnat.json"
finish
