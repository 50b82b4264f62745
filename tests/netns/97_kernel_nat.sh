#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same packets through the kernel's own NAT and through nfqnat: every difference is meant and explained.

. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

if ! command -v python3 >/dev/null; then
	skip same_as_kernel "there is no python3"
	finish
fi
net_up
if ! host nft 'add table inet t; add chain inet t c { type nat hook prerouting priority -100; }; delete table inet t' 2>/dev/null; then
	skip same_as_kernel "this kernel has no NAT to compare with"
	finish
fi
raw_neighbours
host ip route add 192.0.2.0/24 via 198.51.100.77
host ip route add 2001:db8:99::/64 via 2001:db8:100::77

record() {
	python3 "$HERE/same_as_kernel.py" record "$DIR/$1.json" "$P-client" "$P-guest" "$(raw_mac up0)" "$(raw_mac virbr0)" >"$DIR/said" 2>&1 ||
		{ result 'not ok' "same_as_kernel_$1" "not recorded"; result_note <"$DIR/said"; }
}

host nft -f - <<-END
	table inet kernel {
		chain pre {
			type nat hook prerouting priority -100;
			ip daddr $HX4 meta l4proto { tcp, udp } th dport 8080 dnat ip to 192.168.122.60:80
			ip6 daddr $HX6 meta l4proto { tcp, udp } th dport 8080 dnat ip6 to [fd00:122::60]:80
			ip daddr $HX4 meta l4proto { tcp, udp } th dport 8089 dnat ip to 192.168.122.60:89
			ip6 daddr $HX6 meta l4proto { tcp, udp } th dport 8089 dnat ip6 to [fd00:122::60]:89
			ip daddr $HX4 icmp type echo-request dnat ip to 192.168.122.60
			ip6 daddr $HX6 icmpv6 type echo-request dnat ip6 to fd00:122::60
		}
	}
END
record kernel
host nft delete table inet kernel
host conntrack -F 2>/dev/null

config() {
	config_head
	echo "  - name: raw
    to: [192.168.122.60, \"fd00:122::60\"]
    publish: [\"8080:80\", \"8080:80/udp\", \"8089:89\", \"8089:89/udp\", icmp]"
}
daemon_start -v < <(config)
record nfqnat

adopt python3 "$HERE/same_as_kernel.py" compare "$DIR/kernel.json" "$DIR/nfqnat.json"
finish
