#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libvirt's own firewall rejects new inbound connections: forwards pass it, everything else still does not.

# shellcheck disable=SC2034 # the words in capitals are for lib.sh and matrix.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

net_up
matrix_serve
serve guest tcp:81:whoami
# Here the client does know a way to the guests: libvirt's rules alone keep it out.
client ip route replace 192.168.122.0/24 via $HX4
client ip -6 route del blackhole fd00:122::/64
client ip -6 route add fd00:122::/64 via $HX6

load_iptables() {
	host iptables-"$1"-restore -w --noflush <"$HERE/libvirt-iptables.rules" &&
		host ip6tables-"$1"-restore -w --noflush <"$HERE/libvirt-ip6tables-nat.rules"
}
unload_iptables() {
	local i t

	for i in iptables ip6tables; do
		for t in mangle filter nat; do
			host $i-"$1" -w -t $t -F
			host $i-"$1" -w -t $t -X
		done
	done
}
load_nft() {
	host nft -f "$HERE/libvirt.nft"
}
unload_nft() {
	host nft delete table ip libvirt_network
	host nft delete table ip6 libvirt_network
}

# passes NAME [HOW] - firewall: pass; HOW others are kept out
passes() {
	local out=${2:-refused}

	SUFFIX=_$1 FIREWALL=pass
	daemon_start -v < <(config_web)
	matrix
	check "libvirt_not_forwarded_port_v4$SUFFIX" "$out" client tcp $G4 81
	check "libvirt_not_forwarded_port_v6$SUFFIX" "$out" client tcp $G6 81
	check "libvirt_guest_port_directly_v4$SUFFIX" "$out" client tcp $G4 80
	check "libvirt_guest_port_directly_v6$SUFFIX" "$out" client tcp $G6 80
	check "libvirt_guest_port_directly_udp_v4$SUFFIX" "$out" client udp $G4 80
	check "libvirt_guest_port_directly_udp_v6$SUFFIX" "$out" client udp $G6 80
	check "libvirt_long_conversation_v4$SUFFIX" talk $HX4
	check "libvirt_long_conversation_v6$SUFFIX" talk $HX6
	stops "libvirt_stop$SUFFIX"
}
# The second word comes after the first packet's verdict: later packets pass libvirt's rules by themselves.
talk() {
	hold talk client "$1" 8080
	say talk one && say talk two && hang_up talk
}
# respects NAME - firewall: respect
respects() {
	SUFFIX=_$1 FIREWALL=respect
	daemon_start -v < <(config_web)
	check "libvirt_respected_tcp_v4$SUFFIX" no_answer client tcp $HX4 8080
	check "libvirt_respected_tcp_v6$SUFFIX" no_answer client tcp $HX6 8080
	check "libvirt_respected_udp_v4$SUFFIX" no_answer client udp $HX4 8080
	check "libvirt_respected_udp_v6$SUFFIX" no_answer client udp $HX6 8080
	stops "libvirt_stop_respect$SUFFIX"
}

# second_datagram ADDRESS - of a conversation, while the host's rules reject what goes on: lost, and nobody is refused
second_datagram() {
	local got

	got=$(client peer udp -p 4444 -t 5000 "$1" 8080 2>&1) && reject_all on &&
		got=$(client peer udp -p 4444 -t 400 "$1" 8080 2>&1)
	reject_all off
	[ "$got" = "error ETIMEDOUT" ] && client peer udp -p 4444 -t 5000 "$1" 8080 >/dev/null && return
	echo "want: error ETIMEDOUT, then an answer; got: $got"
	return 1
}
# half_there NAME - rules as libvirtd's start has them for some ms: REJECT is there, ACCEPT is not yet
half_there() {
	SUFFIX=_$1 FIREWALL=pass
	daemon_start -v < <(config_web)
	check "libvirt_rules_half_there_v4$SUFFIX" second_datagram $HX4
	check "libvirt_rules_half_there_v6$SUFFIX" second_datagram $HX6
	stops "libvirt_stop_half_there$SUFFIX"
}

for f in legacy nft; do
	if ! can_iptables $f || ! load_iptables $f 2>"$DIR/load"; then
		skip "libvirt_iptables-$f" "its rules do not load here: $(head -n 1 "$DIR/load" 2>/dev/null)"
		unload_iptables $f 2>/dev/null
		continue
	fi
	check "libvirt_rejects_without_us_v4_$f" refused client tcp $G4 80
	check "libvirt_rejects_without_us_v6_$f" refused client tcp $G6 80
	STEERING=iptables-$f
	passes iptables-$f
	respects iptables-$f
	reject_all() {
		local do=-D i

		[ "$1" = off ] || do=-I
		for i in iptables ip6tables; do
			host "$i-$f" -w $do LIBVIRT_FWI -o virbr0 -j REJECT
		done
	}
	half_there iptables-$f
	# The other flavour of steering beside these rules: hosts do mix them.
	if [ $f = nft ] && can_iptables legacy; then
		STEERING=iptables-legacy
		passes mixed
	fi
	unload_iptables $f
done

STEERING=auto
if load_nft 2>"$DIR/load"; then
	check libvirt_rejects_without_us_v4_nftables refused client tcp $G4 80
	check libvirt_rejects_without_us_v6_nftables refused client tcp $G6 80
	passes nftables
	respects nftables
	reject_all() {
		local t

		for t in ip ip6; do
			[ "$1" = off ] || host nft insert rule $t libvirt_network guest_input oif virbr0 reject
			[ "$1" = on ] || host nft delete rule $t libvirt_network guest_input handle \
				"$(host nft -a list chain $t libvirt_network guest_input | sed -n '/reject # handle/{s/.* //p;q}')"
		done
	}
	half_there nftables
	unload_nft
else
	skip libvirt_nftables "its rules do not load here: $(head -n 1 "$DIR/load")"
fi

# firewalld judges in one place what comes from any zone, and says so by an ICMP error.
if host nft -f "$HERE/firewalld.nft" 2>"$DIR/load"; then
	check firewalld_rejects_without_us_v4 no_answer client tcp $G4 80
	check firewalld_rejects_without_us_v6 no_answer client tcp $G6 80
	passes firewalld no_answer
	respects firewalld
	host nft delete table inet firewalld
else
	skip firewalld "its rules do not load here: $(head -n 1 "$DIR/load")"
fi

# A NAT network without <nat ipv6='yes'/>: IPv6 is routed, and libvirt lets everything in.
if can_iptables nft && host ip6tables-nft-restore -w --noflush <"$HERE/libvirt-ip6tables-routed.rules" 2>/dev/null; then
	FIREWALL=respect SUFFIX=_routed
	daemon_start -v < <(config_web)
	check libvirt_routed_ipv6_respect sees client tcp $HX6 8080 $C6 $G6 80
	stops libvirt_stop_routed
	unload_iptables nft
else
	skip libvirt_routed "its rules do not load here"
fi
finish
