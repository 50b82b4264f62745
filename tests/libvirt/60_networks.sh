#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of network gets what it must: forwarded, or refused with the reason.

. "$(dirname "$0")/lib.sh"

ISOLATED4=192.168.145.1 ISOLATED6=fd00:145::1
not() { ! "$@"; }
lab_ready
v4() { echo "<ip address='$1' netmask='255.255.255.0'><dhcp><range start='${1%.*}.2' end='${1%.*}.99'/></dhcp></ip>"; }
v6() { echo "<ip family='ipv6' address='$1' prefix='64'/>"; }
net_define n-slaac virbr11 "<forward mode='nat'><nat ipv6='yes'/></forward>" "$(v4 192.168.141.1)" "$(v6 fd00:141::1)"
net_define n-nat6 virbr12 "<forward mode='nat'/>" "$(v4 192.168.142.1)" "$(v6 fd00:142::1)"
net_define n-route virbr13 "<forward mode='route'/>" "$(v4 192.168.143.1)" "$(v6 fd00:143::1)"
net_define n-open virbr14 "<forward mode='open'/>" "$(v4 192.168.144.1)" "$(v6 fd00:144::1)"
net_define n-isolated virbr15 "" "$(v4 192.168.145.1)" "$(v6 fd00:145::1)"
ip link add br1 type bridge
ip addr add 192.168.146.1/24 dev br1
ip link set br1 up
printf '<network><name>n-lan</name><forward mode="bridge"/><bridge name="br1"/></network>' >"$DIR/net.xml"
v net-define "$DIR/net.xml" >/dev/null && v net-start n-lan >/dev/null

# macvtap: beside this host on a LAN, which talks to it by a macvlan of its own.
ip link add lan0 type veth peer name lan1 netns client
ip -n client link set lan1 up
ip link set lan0 up
ip link add mv0 link lan0 type macvlan mode bridge
ip addr add 192.168.147.1/24 dev mv0
ip link set mv0 up
DIRECT=lan0 ADDR=none lxc macvlan
DIRECT=lan0 ADDR=192.168.147.6/24 vm macvtap
must "macvtap starts" v start macvtap
must "macvlan starts" vl start macvlan
printf '<network><name>n-hostdev</name><forward mode="hostdev"><pf dev="lan0"/></forward></network>' >"$DIR/net.xml"
must "a network of passed-through devices" v net-define "$DIR/net.xml"

for n in slaac nat6 route open isolated; do
	NET=n-$n lxc $n
done
NET=n-lan ADDR=none lxc lan
ADDR=none lxc static
BRIDGE=virbr0 lxc own
for g in slaac nat6 route open isolated lan static own; do
	must "$g starts" vl start $g
done
daemon_start <<-END
	queue: 0
	steering: ${STEERING:-auto}
	libvirt: { uri: ["qemu:///system", "lxc:///system"] }
	forwards:
	  - { guest: slaac, publish: "8101:80" }
	  - { guest: nat6, publish: "8102:80" }
	  - { guest: route, publish: "8103:80" }
	  - { guest: open, publish: "8104:80" }
	  - { guest: isolated, publish: "8105:80" }
	  - { guest: isolated, name: allowed, isolated: allow, publish: ["8106:80", "7106:7777", "7106:7777/udp", "7107:9999/udp"] }
	  - { guest: lan, publish: "8107:80" }
	  - { guest: lan, name: lan-host, source: host, publish: "8108:80" }
	  - { guest: static, publish: ["8109:80", "7109:7777"] }
	  - { guest: own, publish: "8113:80" }
	  - { guest: macvlan, publish: "8110:80" }
	  - { guest: macvlan, name: macvlan-host, source: host, publish: "8111:80" }
	  - { guest: macvtap, name: macvtap-host, to: 192.168.147.6, source: host, publish: "8112:80" }
END
i=0
for n in slaac nat6 route open; do
	i=$((i + 1))
	check "${n}_v4" http $H4 $((8100 + i)) $n
	# Nobody knows an address that was never used.
	must "$n has heard the router" wait_for "$LONG" in_lxc $n ping -6 -c 1 -w 1 fd00:14$i::1
	check "${n}_v6" answers $H6 $((8100 + i))
done
check isolated_refused refused $H4 8105
check isolated_says_why file_has "$DIR/daemon.log" 'isolated.*isolated: allow'
# libvirt rejects whatever goes in there or comes out, and no router is given to it: nothing but the forward lets it answer.
must "the isolated guest is heard" wait_for "$LONG" in_lxc isolated ping -6 -c 1 -w 1 fd00:145::1
for f in 4 6; do
	h=H$f b=ISOLATED$f
	check isolated_allowed_v$f answers "${!h}" 8106
	check isolated_allowed_sees_this_host_v$f whoami tcp "${!h}" 7106 "${!b}"
	check isolated_allowed_udp_v$f whoami udp "${!h}" 7106 "${!b}"
done
# Errors are of its flows, too: its own, that nobody serves port 9999, and those about what it answers.
unreachable() { client peer udp -t 5000 "$1" 7107 2>&1 | grep -q 'error ECONNREFUSED'; }
errors_heard() { in_lxc isolated cat /proc/net/snmp /proc/net/snmp6 | awk '/^Icmp: [0-9]/ { n += $5 } /^Icmp6InDestUnreachs/ { n += $2 } END { print n }'; }
# Asks, and is gone before the answer comes.
ask_and_leave() {
	client python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7106)); s.send(b"x"); s.close()' "$1"
	(($(errors_heard) > heard))
}
for f in 4 6; do
	h=H$f
	check R55_isolated_allowed_its_errors_v$f wait_for "$LONG" unreachable "${!h}"
	heard=$(errors_heard)
	check R54_isolated_allowed_errors_to_it_v$f wait_for "$LONG" ask_and_leave "${!h}"
done
check isolated_allowed_from_the_host probe http 127.0.0.1 8106 "$LONG"
check isolated_is_still_isolated not in_lxc isolated ping -c 1 -w 1 $C4

in_lxc lan ip addr add 192.168.146.5/24 dev eth0
in_lxc lan ping -c 1 -w 5 192.168.146.1 >/dev/null
check lan_refused refused $H4 8107
check lan_says_why file_has "$DIR/daemon.log" 'source: host'
# It has no route to the client: the answer comes back only because it sees this host.
check lan_with_source_host answers $H4 8108

check bridge_of_a_network_is_that_network_v4 http $H4 8113 own
check bridge_of_a_network_is_that_network_v6 http "[$H6]" 8113 own

in_lxc macvlan ip addr add 192.168.147.5/24 dev eth0
in_lxc macvlan ping -c 1 -w 5 192.168.147.1 >/dev/null
check macvtap_refused refused $H4 8110
check macvtap_says_why file_has "$DIR/daemon.log" 'guest macvlan, it is on a bridge or device of the LAN.*source: host'
check macvtap_by_neighbour_with_source_host http $H4 8111 macvlan
check macvtap_machine_with_source_host http $H4 8112 macvtap
v destroy macvtap >/dev/null
check macvtap_machine_off refused $H4 8112
follow qemu:///system
sees hostdev_network "$LONG" 'net("n-hostdev")["mode"] == "hostdev" and not net("n-hostdev")["active"]'

# static A - this address and no other
static() {
	in_lxc static ip addr flush dev eth0 scope global
	in_lxc static ip addr add "$1/24" dev eth0
	in_lxc static ip route add default via $B4
	in_lxc static ping -c 1 -w 5 $B4 >/dev/null
}
static 192.168.122.150
check static_guest http $H4 8109 static
talk $H4 7109
static 192.168.122.151
reset_comes static_guest_moves_resets
check static_guest_moves http $H4 8109 static
in_lxc static ip addr add $B4/24 dev eth0
in_lxc static arping -c 2 -U -I eth0 -s $B4 $B4 >/dev/null
check static_guest_takes_the_hosts_address http $H4 8109 static
in_lxc static ip addr del $B4/24 dev eth0

v net-destroy default >/dev/null
check net_destroy_refused refused $H4 8109
v net-undefine n-hostdev >/dev/null
v undefine macvtap >/dev/null
for g in slaac nat6 route open isolated lan static own macvlan; do
	vl destroy $g >/dev/null
done
v net-start default >/dev/null
for n in slaac nat6 route open isolated lan; do
	v net-destroy n-$n >/dev/null
done
