#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests go out behind the host's address: a ULA reaches an IPv6-only outside without ip6tables -t nat.

. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
# The guest's packets pass mangle POSTROUTING: nothing that comes out of up0 may have a guest's address.
LEAK="src net 192.168.122.0/24 or src net fd00:122::/64"

net_up
serve client tcp:80:whoami udp:53:whoami udp:54:whoami tcp:7:echo udp:7:echo
config() {
	config_web
	echo "masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0$1 }"
}
# quiet_outside NAME - no packet of a guest's own has been seen since leaks_watch
leaks_watch() { sniff client eth0 "$LEAK"; }
quiet_outside() {
	check "$1" [ ! -s "$SNIFFED" ]
	sniff_end
}
serve guest tcp:80:whoami
daemon_start -vv < <(config "")

# ---- the founding user's case ----
same masquerade_no_kernel_nat '' "$(host sh -c 'ip6tables-legacy-save -t nat 2>/dev/null; ip6tables-nft-save -t nat 2>/dev/null' | grep -v '^[#:*C]')"
leaks_watch
check R18_tcp_v6 sees guest tcp $C6 80 $HX6 $C6 80
check R18_tcp_v4 sees guest tcp $C4 80 $HX4 $C4 80
check R18_udp_v6 sees guest udp $C6 53 $HX6 $C6 53
check R18_udp_v4 sees guest udp $C4 53 $HX4 $C4 53
check R51_ping_v6 guest ping -n -c 3 -i 0.05 -W 5 $C6
check R51_ping_v4 guest ping -n -c 3 -i 0.05 -W 5 $C4
check R18_other_guest_v6 sees guest2 tcp $C6 80 $HX6 $C6 80
client python3 -m http.server --bind :: 8000 --directory "$HERE" >/dev/null 2>&1 &
PIDS+=($!)
wait_for 10 client nc -z $C6 8000
check masquerade_curl_v6 guest curl -gsS --max-time 10 -o /dev/null "http://[$C6]:8000/37_masquerade.sh"
check R27_forwards_beside_it_v6 sees client tcp $HX6 8080 $C6 $G6 80
check R27_forwards_beside_it_v4 sees client tcp $HX4 8080 $C4 $G4 80

# ---- mappings ----
from_port() { in_ns "$1" peer udp -p "$2" "$3" "$4" 2>&1 | awk '{ print $2, $3 }'; }
same R19_port_preserved_v6 "$HX6 20053" "$(from_port guest 20053 $C6 53)"
same R18_same_port_to_another_v6 "$HX6 20053" "$(from_port guest 20053 $C6 54)"
other=$(from_port guest2 20053 $C6 53)
check R21_other_guest_same_port_v6 [ "$other" != "$HX6 20053" ] && same R18_other_guest_keeps_its_port_v6 "$other" "$(from_port guest2 20053 $C6 54)"
port=$(from_port guest 40053 $C4 53)
port=${port#* }
check R22_outside_the_hosts_own_ports [ "$port" -lt 32768 -o "$port" -gt 60999 ]
# a port of the host's own socket is not given out, and its service is not disturbed
serve host udp:20099:whoami
check R22_host_socket_reachable sees client udp $HX4 20099 $C4 $HX4 20099
spawn host python3 -c "import socket, signal
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for p in range(800)]
for p in range(800): s[p].bind(('', 20100 + p))
signal.pause()"
# Sockets are looked for every few seconds, and mappings keep what they have: another port each time.
next=20100
avoided() { [ "$(from_port guest $((next++)) $C4 53)" != "$HX4 $((next - 1))" ]; }
check R22_socket_of_the_host wait_for 15 avoided

check masquerade_udp_of_all_sizes_v6 guest peer burst -s 1:1400:93 $C6 7
check masquerade_udp_of_all_sizes_v4 guest peer burst -s 1:1400:93 $C4 7
check R64_fragments_v6 guest peer burst -s 1473:20000:4900 $C6 7
check R64_fragments_v4 guest peer burst -s 1473:20000:4900 $C4 7
big() {
	[ "$(guest peer tcp -g 20000000 "$1" 7 | sha256)" = "$(peer gen 20000000 | sha256)" ]
}
check masquerade_20_MB_v6 big $C6
check masquerade_20_MB_v4 big $C4

# ---- errors ----
check R54_closed_udp_port_v6 refused guest udp $C6 99
check R54_closed_udp_port_v4 refused guest udp $C4 99
check R54_closed_tcp_port_v6 refused guest tcp $C6 99
ttl() { guest ping -n -c 1 -W 3 -t 1 "$1" | grep -iE 'time to live|hop limit|time exceeded'; }
check R54_host_answers_as_a_router_v6 ttl $C6
check R54_host_answers_as_a_router_v4 ttl $C4

# ---- R54, R62: a router outside, with a narrow way behind it ----
ns_add far
link client far0 far eth0
sysctl_in client net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
client ip addr add 198.51.101.1/24 dev far0
client ip addr add 2001:db8:101::1/64 dev far0 nodad
in_ns far ip addr add 198.51.101.2/24 dev eth0
in_ns far ip addr add 2001:db8:101::2/64 dev eth0 nodad
in_ns far ip route add default via 198.51.101.1
in_ns far ip -6 route add ::/0 via 2001:db8:101::1
host ip route add 198.51.101.0/24 via $C4
host ip -6 route add 2001:db8:101::/64 via $C6
# By route: the far end must not know, or it would ask for small segments itself.
client ip route replace 198.51.101.0/24 dev far0 src 198.51.101.1 mtu lock 1300
client ip -6 route replace 2001:db8:101::/64 dev far0 metric 256 mtu 1300
serve far tcp:7:echo
router() { guest ping -n -c 1 -W 3 -t 2 "$1" | grep -E "^From $2(:| ).*([Tt]ime to live|[Hh]op limit|[Tt]ime exceeded)"; }
check R54_router_outside_v4 router 198.51.101.2 $C4
check R54_router_outside_v6 router 2001:db8:101::2 $C6
check R62_narrow_way_outside_v4 big 198.51.101.2
check R62_narrow_way_outside_v6 big 2001:db8:101::2
mtu() { guest ip route get "$1" | grep -w 'mtu 1300'; }
check R62_guest_learned_it_v4 mtu 198.51.101.2
check R62_guest_learned_it_v6 mtu 2001:db8:101::2

# ---- nobody else comes in ----
check R30_unsolicited_goes_to_the_host refused client tcp $HX4 20099
# ---- R26: protocols without ports, one guest for each remote; R24: what has no state does not leave ----
# raw NS PROTO ADDR - 40 octets of it
raw() { in_ns "$1" python3 -c "import socket, sys
f = socket.AF_INET6 if ':' in '$3' else socket.AF_INET
socket.socket(f, socket.SOCK_RAW, $2).sendto(bytes(40), ('$3', 0))"; }
gre() {
	local far=$1 host=$2 guest=$3 seen

	sniff client eth0 "proto 47 or ip6 proto 47"
	raw guest 47 "$far"
	wait_for 5 grep -qF "$host > $far" "$SNIFFED"
	seen=$?
	sniff_end
	sniff guest eth0 "proto 47 or ip6 proto 47"
	raw client 47 "$host"
	wait_for 5 grep -qF "$far > $guest" "$SNIFFED" && [ $seen = 0 ]
	seen=$?
	sniff_end
	return $seen
}
check R26_gre_out_and_back_v4 gre $C4 $HX4 $G4
check R26_gre_out_and_back_v6 gre $C6 $HX6 $G6
second() { raw guest2 47 "$1" && log_has 'proto-47 .*no outside port left|gre .*no outside port left'; }
check R26_second_guest_is_dropped wait_for 5 second $C4
# ---- protocols that have ports have mappings: two guests of one port, and each gets its own answer ----
adopt python3 "$HERE/masq_protocols.py" "$P-client" "$P-guest" "$P-guest2"
flags() { guest python3 - "$1" "$2" <<-'END'
	import socket, struct, sys
	f = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
	tcp = struct.pack("!HHIIBBHHH", 4444, 80, 1, 1, 0x50, int(sys.argv[2]), 100, 0, 0)
	socket.socket(f, socket.SOCK_RAW, 6).sendto(tcp, (sys.argv[1], 0))
	END
}
for f in 4 16 17 20 3 0; do	# RST, ACK, FIN+ACK, RST+ACK, SYN+FIN, none
	flags $C4 $f
	flags $C6 $f
done
check R24_tcp_without_a_flow_is_dropped wait_for 5 log_has 'TCP segment that cannot open a flow'
quiet_outside R24_nothing_left_with_a_guests_address

# ---- R24: what cannot be translated does not leave ----
daemon_stop
daemon_start -vv < <(config ', ports: 21000-21001')
leaks_watch
for port in 1001 1002 1003; do
	guest peer udp -t 1500 -p "2$port" $C4 53 >/dev/null 2>&1
	guest peer udp -t 1500 -p "2$port" $C6 53 >/dev/null 2>&1
done
check R24_pool_exhausted log_has 'no outside port left'
says() { in_ns "$1" peer udp -E "$2" 53 2>&1 | grep -E "$3"; }
check R76_guest_hears_of_it_v4 says guest2 $C4 "type 3 code 1"
check R76_guest_hears_of_it_v6 says guest2 $C6 "type 1 code 3"
quiet_outside R24_exhausted_pool_leaks_nothing

# ---- R88: the worker dies in the middle of a transfer ----
daemon_stop
daemon_start -v < <(config "")
died_and_went_on() {
	local got

	guest peer tcp -t 20000 -g 30000000 -r 20000000 "$1" 7 >"$DIR/got" &
	got=$!
	PIDS+=("$got")
	wait_for 10 test -s "$DIR/got" && kill -KILL "$(worker)" && wait "$got" &&
		[ "$(sha256 <"$DIR/got")" = "$(peer gen 30000000 | sha256)" ]
}
check R88_worker_killed_v6 died_and_went_on $C6

# ---- R25: the address changes ----
hold long guest $C4 7
check R25_before_the_change say long one
host ip addr del $HX4/24 dev up0
host ip addr add 198.51.100.9/24 dev up0
check R25_flows_of_the_old_address_end wait_for 10 log_has 'flow [0-9]+ end \(its forward was removed\) tcp'
client ip route replace default via 198.51.100.9
check R25_new_address wait_for 10 sees guest tcp $C4 80 198.51.100.9 $C4 80
hang_up long
host ip addr del 198.51.100.9/24 dev up0
host ip addr add $HX4/24 dev up0
client ip route replace default via $HX4
check R25_back wait_for 10 sees guest tcp $C4 80 $HX4 $C4 80
host ip link set up0 down
check R25_link_down wait_for 10 log_has 'up0 has no address to go out with now'
host ip link set up0 up
host ip addr add $HX6/64 dev up0 nodad 2>/dev/null
check R25_link_up_v6 wait_for 20 sees guest tcp $C6 80 $HX6 $C6 80

# ---- R74: which IPv6 address ----
host ip addr add 2001:db8:100::dead/64 dev up0 nodad preferred_lft 0
host ip addr add fd00:999::1/64 dev up0 nodad
check R74_not_the_deprecated_one wait_for 5 sees guest tcp $C6 80 $HX6 $C6 80

# ---- R9, R24: nobody translates, nothing leaves ----
# The guest knows the client's hardware address by now; the host has a way. Only the rules keep it in.
leaks_watch
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
DAEMON=
guest peer udp -t 1000 $C4 53 >/dev/null 2>&1
guest peer udp -t 1000 $C6 53 >/dev/null 2>&1
guest ping -n -c 2 -i 0.05 -W 1 $C6 >/dev/null
quiet_outside R24_daemon_killed_and_nothing_leaves
daemon_start -v < <(config "")
check R24_and_on_it_goes sees guest tcp $C6 80 $HX6 $C6 80

finish
