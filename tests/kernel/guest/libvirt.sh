#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libvirt's firewall rules of each kind beside our table: forwards pass them, all else does not.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
matrix_serve
serve guest tcp:81:whoami
# The client knows a way to the guests: libvirt's rules alone keep it out.
client ip route replace 192.168.122.0/24 via $HX4
client ip -6 route del blackhole fd00:122::/64
client ip -6 route add fd00:122::/64 via $HX6

load() {
	case $1 in
	nftables)
		host nft -f "$NETNS_TESTS"/libvirt.nft ;;
	*)
		host "$1-restore" -w --noflush <"$NETNS_TESTS"/libvirt-iptables.rules &&
			host "ip6${1#ip}-restore" -w --noflush <"$NETNS_TESTS"/libvirt-ip6tables-nat.rules ;;
	esac
}
unload() {
	local i t

	case $1 in
	nftables)
		host nft 'delete table ip libvirt_network; delete table ip6 libvirt_network' ;;
	*)
		for i in "$1" "ip6${1#ip}"; do
			for t in mangle filter nat; do
				host "$i" -w -t $t -F
				host "$i" -w -t $t -X
			done
		done ;;
	esac
}

# The second word comes after the first packet's verdict: later packets pass by themselves.
talk() {
	hold talk client "$1" 8080
	say talk one && say talk two && hang_up talk
}

pass() {
	FIREWALL=pass
	daemon_start -v < <(config_web)
	matrix_external
	check "R75_hairpin_other_guest_v4$SUFFIX" sees guest2 tcp $HX4 8080 $HX4 $G4 80
	check "R75_hairpin_other_guest_v6$SUFFIX" sees guest2 tcp $HX6 8080 $HX6 $G6 80
	check "libvirt_conversation_v4$SUFFIX" talk $HX4
	check "libvirt_conversation_v6$SUFFIX" talk $HX6
	check "libvirt_not_forwarded_port_v4$SUFFIX" refused client tcp $G4 81
	check "libvirt_not_forwarded_port_v6$SUFFIX" refused client tcp $G6 81
	check "libvirt_guest_port_directly_v4$SUFFIX" no_answer client tcp $G4 80
	check "libvirt_guest_port_directly_v6$SUFFIX" no_answer client tcp $G6 80
	stops "libvirt_stop$SUFFIX"
}

respect() {
	FIREWALL=respect
	daemon_start -v < <(config_web)
	check "libvirt_respected_v4$SUFFIX" no_answer client tcp $HX4 8080
	check "libvirt_respected_v6$SUFFIX" no_answer client tcp $HX6 8080
	stops "libvirt_respected_stop$SUFFIX"
}

for kind in iptables-legacy iptables-nft nftables; do
	SUFFIX=_$kind
	check "libvirt_rules_load$SUFFIX" load $kind || continue
	check "libvirt_rejects_without_us$SUFFIX" refused client tcp $G4 80
	pass
	respect
	unload $kind
done
finish
