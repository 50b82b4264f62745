#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Masquerade as STUN sees it, beside libvirt's rules, in each steering; prefixes by NPTv6 and one for one.

# shellcheck disable=SC2034 # the words in capitals are for lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
D4=198.51.100.3 D6=2001:db8:100::3	# the client's second address
N6=2001:db8:122::/64			# the outside prefix of the guests

net_up
client ip addr add $D4/24 dev eth0
client ip addr add $D6/64 dev eth0 nodad preferred_lft 0	# so that it is not a source by itself
serve client tcp:80:whoami udp:53:whoami tcp:7:echo udp:7:echo
serve guest tcp:80:whoami udp:80:whoami tcp:22:whoami
serve guest2 tcp:80:whoami
for a in "$C4 $D4" "$C6 $D6"; do
	# shellcheck disable=SC2086 # two words
	spawn client python3 "$HERE/stun.py" serve $a 3478 3479 >"$DIR/stun.${a%% *}"
	wait_for 10 grep -q listening "$DIR/stun.${a%% *}"
done

config() {
	config_web
	echo "masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0$1 }"
}
stun() {
	same "R18_R29_stun_$1_v4" "mapping endpoint-independent filter $1" "$(guest python3 "$HERE/stun.py" ask $C4 $D4 3478 3479)"
	same "R18_R29_stun_$1_v6" "mapping endpoint-independent filter $1" "$(guest python3 "$HERE/stun.py" ask $C6 $D6 3478 3479)"
}

# ---- with libvirt's own rules: new flows from outside are rejected there ----
host iptables-nft-restore -w --noflush <"$HERE/libvirt-iptables.rules"
host ip6tables-nft-restore -w --noflush <"$HERE/libvirt-ip6tables-nat.rules"
for filter in address-dependent endpoint-independent address-and-port; do
	STEERING=iptables-nft
	daemon_start -v < <(config ", filter: $filter")
	stun $filter
	if [ $filter = endpoint-independent ]; then
		# R75: what another guest's mapping lets in from everybody, it lets in from a guest
		spawn guest python3 -c "import socket, signal
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('', 20111))
s.sendto(b'open', ('$C6', 9))
while True:
	m, who = s.recvfrom(99)
	s.sendto(('udp %s %d' % who[:2]).encode(), who)"
		hairpin() { guest2 peer udp -p 20222 $HX6 20111 | grep -x "udp $HX6 20222"; }
		check R75_hairpin_to_a_mapping_v6 wait_for 5 hairpin
	fi
	check "R18_tcp_with_libvirts_rules_${filter}_v6" sees guest tcp $C6 80 $HX6 $C6 80
	check "R18_tcp_with_libvirts_rules_${filter}_v4" sees guest tcp $C4 80 $HX4 $C4 80
	stops "outbound_stop_$filter"
	same "outbound_no_rules_left_$filter" "" "$(rules_of_ours)"
done
for t in mangle filter nat; do
	host iptables-nft -w -t $t -F
	host ip6tables-nft -w -t $t -F
done

# ---- the other steering, and bridged frames through iptables ----
STEERING=iptables-legacy
daemon_start -v < <(config "")
check R18_tcp_legacy_v6 sees guest tcp $C6 80 $HX6 $C6 80
check R18_tcp_legacy_v4 sees guest tcp $C4 80 $HX4 $C4 80
check R51_ping_legacy_v6 guest ping -n -c 2 -i 0.05 -W 5 $C6
if brnf 1; then
	check R11_bridged_frames_untouched sees guest2 tcp $G4 80 $GG4 $G4 80
	check R11_masquerade_with_them sees guest tcp $C6 80 $HX6 $C6 80
	brnf 0
else
	skip R11_bridged_frames_untouched 'this kernel has no br_netfilter'
fi
stops outbound_stop_legacy

# ---- two outside addresses, named; exceptions ----
STEERING=auto
daemon_start -v < <(config ", to: [$HX4, $HY4, \"$HX6\", \"$HY6\"], except: [$D4, \"$D6\"]")
from() { answer "$1" udp "$2" 53 | awk '{ print $2 }'; }
client ip route add $HY4 via $HX4
client ip route add $HY6 via $HX6
for a in $C4 $C6; do
	first=$(from guest $a)
	same "R18_paired_address_$a" "$first $first $first" "$(from guest $a) $(from guest $a) $(from guest $a)"
	check "R18_paired_address_is_ours_$a" grep -qwF "$first" <<<"$HX4 $HY4 $HX6 $HY6"
done
sniff client eth0 "src host $G4 and dst host $D4"
guest peer udp -t 300 $D4 53 >/dev/null 2>&1
check R90_exception_leaves_untranslated wait_for 5 test -s "$SNIFFED"
sniff_end
stops outbound_stop_named

# ---- prefixes ----
client ip route add $N6 via $HX6
client ip route add 203.0.113.50/32 via $HX4
daemon_start -v < <(config_head | sed '$d'; echo "nptv6:
  - { inside: \"fd00:122::/64\", outside: \"$N6\", out: up0 }
one-to-one:
  - { inside: $G4, outside: 203.0.113.50, out: up0 }")
seen=$(answer guest tcp $C6 80 | awk '{ print $2 }')
same R17_nptv6_out 2001:db8:122:0:cf47::50 "$seen"
check R17_nptv6_in sees client tcp "$seen" 80 $C6 $G6 80
check R17_nptv6_udp_in sees client udp "$seen" 80 $C6 $G6 80
check R17_nptv6_ping_out guest ping -n -c 2 -i 0.05 -W 5 $C6
check R17_nptv6_ping_in client ping -n -c 2 -i 0.05 -W 5 "$seen"
check R17_nptv6_error_in refused guest udp $C6 99
check R17_nptv6_error_out refused client udp "$seen" 99
check R17_nptv6_big_datagrams guest peer burst -s 1473:20000:4900 $C6 7
big() { [ "$(guest peer tcp -g 20000000 "$1" 7 | sha256)" = "$(peer gen 20000000 | sha256)" ]; }
check R17_nptv6_20_MB big $C6
check one_to_one_out sees guest tcp $C4 80 203.0.113.50 $C4 80
check one_to_one_in sees client tcp 203.0.113.50 22 $C4 $G4 22
check one_to_one_ping_in client ping -n -c 2 -i 0.05 -W 5 203.0.113.50
check one_to_one_error_in refused guest udp $C4 99
check one_to_one_error_out refused client udp 203.0.113.50 99
check one_to_one_20_MB big $C4
kill -USR1 "$DAEMON"
check R17_no_flow_is_kept wait_for 5 log_has 'flows: 0 of'

finish
