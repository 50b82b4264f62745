#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where addresses come from, who is believed, and what kinds of networks there are.

. "$(dirname "$0")/lib.sh"

lab_ready
follow qemu:///system lxc:///system

# ---- kinds of networks ----

v4() { echo "<ip address='$1' netmask='255.255.255.0'><dhcp><range start='${1%.*}.2' end='${1%.*}.99'/></dhcp></ip>"; }
v6() { echo "<ip family='ipv6' address='$1' prefix='64'/>"; }
net_define slaac virbr1 "<forward mode='nat'><nat ipv6='yes'/></forward>" "$(v4 192.168.131.1)" "$(v6 fd00:131::1)"
net_define routed6 virbr2 "<forward mode='nat'/>" "$(v4 192.168.132.1)" "$(v6 fd00:132::1)"
net_define route virbr3 "<forward mode='route'/>" "$(v4 192.168.133.1)"
net_define open virbr4 "<forward mode='open'/>" "$(v4 192.168.134.1)"
net_define isolated virbr5 "" "$(v4 192.168.135.1)"
ip link add br0 type bridge
ip link set br0 up
printf '<network><name>lan</name><forward mode="bridge"/><bridge name="br0"/></network>' >"$DIR/net.xml"
v net-define "$DIR/net.xml" >/dev/null && v net-start lan >/dev/null
sees networks "$LONG" '[net(n)["mode"] for n in ("slaac", "routed6", "route", "open", "isolated", "lan")]
	== ["nat", "nat", "route", "open", "isolated", "bridge"]'
sees networks_ipv6_nat "$SOON" 'net("slaac")["ipv6_nat"] and not net("routed6")["ipv6_nat"]'

# ---- sources ----

NET=slaac lxc s1
NET=lan ADDR=none lxc l1
for g in st1 st2; do
	ADDR=none lxc $g
done
for g in s1 l1 st1 st2; do
	must "$g starts" vl start $g
done
wants6=fd00:131::$(mac_of s1 | awk -F: '{ printf "%s54:%sff:fe%s:%s%s", "50", $3 == "00" ? "" : $3, $4, $5, $6 }' | sed 's/:0*\([0-9a-f]\)/:\1/g')
sees lease_v4 "$LONG" '"192.168.131." in addrs("s1")'
must "s1 has heard the router" wait_for "$LONG" in_lxc s1 ping -6 -c 1 -w 1 fd00:131::1
sees slaac_by_neighbour "$LONG" "'$wants6/neighbour' in addrs('s1')"

# static GUEST ADDRESS... - takes these and no others, and says so to the host
static() {
	local a

	in_lxc "$1" ip addr flush dev eth0 scope global
	for a in "${@:2}"; do
		case $a in
		*:*)	in_lxc "$1" ip addr add "$a/64" dev eth0 && wait_for "$LONG" in_lxc "$1" ping -6 -c 1 -w 1 -I "$a" $B6 ;;
		*)	in_lxc "$1" ip addr add "$a/24" dev eth0 && wait_for "$LONG" in_lxc "$1" ping -c 1 -w 1 -I "$a" $B4 ;;
		esac
	done
}
static st1 192.168.122.201 fd00:122::201
static st2 192.168.122.202 fd00:122::202
sees static_by_neighbour "$LONG" 'addrs("st1") == "192.168.122.201/neighbour fd00:122::201/neighbour"
	and addrs("st2") == "192.168.122.202/neighbour fd00:122::202/neighbour"'
static st1 192.168.122.211
sees static_guest_moves "$LONG" 'addrs("st1").startswith("192.168.122.211/neighbour")'

# Two guests swap: each address is of the one that has it now.
in_lxc st1 ip addr flush dev eth0 scope global
static st2 192.168.122.211
static st1 192.168.122.202
sees two_guests_swap "$LONG" 'addrs("st1").startswith("192.168.122.202/neighbour") and "202" not in addrs("st2").split("/")[0]
	and addrs("st2").startswith("192.168.122.211/neighbour")'

# ---- who is believed ----

must "a guest with a lease" vl start c1
sees lease "$LONG" 'addrs("c1").count("/lease") == 2'
lease4=$(address_of c1 4)
in_lxc st2 ip addr add "$lease4/24" dev eth0
steal() {
	in_lxc st2 arping -c 1 -U -I eth0 -s "$lease4" "$lease4" >/dev/null
	in_lxc st2 arping -c 1 -w 1 -I eth0 -s "$lease4" $B4 >/dev/null
	ip neigh show "$lease4" dev virbr0 | grep -q "$(mac_of st2)"
}
must "the kernel believes the thief" wait_for "$LONG" steal
sees lease_is_not_stolen "$LONG" "'$lease4' not in addrs('st2') and '$lease4/lease' in addrs('c1')
	and '$lease4' in warnings('st2') and '$(mac_of c1)' in warnings('st2')"
in_lxc st2 ip addr del "$lease4/24" dev eth0
in_lxc c1 arping -c 1 -w 1 -I eth0 $B4 >/dev/null
sees theft_ends "$LONG" 'warnings("st2") == ""'
in_lxc st2 ip addr add $B4/24 dev eth0
in_lxc st2 arping -c 2 -U -I eth0 -s $B4 $B4 >/dev/null
check host_address_is_not_taken world 2 "'$B4' not in addrs('st2') and '192.168.122.211' in addrs('st2')"
in_lxc st2 ip addr del $B4/24 dev eth0

# Given back and asked for again: dnsmasq's file alone tells.
in_lxc c1 killall -USR2 udhcpc
sees lease_given_back "$SOON" 'addrs("c1").count("/lease") == 1'
in_lxc c1 killall -USR1 udhcpc
sees lease_once_more "$SOON" 'addrs("c1").count("/lease") == 2'
in_lxc c1 ip link set eth0 down
sees container_sets_its_end_down 2 'state("c1") == "running" and not up("c1")'
in_lxc c1 ip link set eth0 up
sees container_sets_its_end_up 2 'up("c1")'

# Given by the network's description; no event tells it.
v net-update default add ip-dhcp-host "<host mac='$(mac_of st1)' ip='192.168.122.77'/>" --live
sees dhcp_host "$LONG" 'addrs("st1").startswith("192.168.122.77/dhcp-host")'
v net-update default delete ip-dhcp-host "<host mac='$(mac_of st1)' ip='192.168.122.77'/>" --live
sees dhcp_host_removed "$LONG" '"192.168.122.77" not in addrs("st1")'

# One MAC in two running guests: nobody's.
MAC=$(mac_of st2) ADDR=none lxc twin
must "twin starts" vl start twin
sees same_mac_twice "$LONG" 'addrs("twin") == "" and addrs("st2") == "" and "same MAC" in warnings("twin")'
vl destroy twin
sees same_mac_once "$LONG" '"192.168.122.211" in addrs("st2") and warnings("st2") == ""'

# ---- net-destroy, net-start under running guests ----

v net-destroy default
sees net_destroy "$LONG" 'not net("default")["active"] and state("st1") == "running" and not up("st1")'
v net-start default
sees net_start "$LONG" 'net("default")["active"] and not up("st1")'
libvirtd_end TERM
must "libvirtd starts" libvirtd_start
sees net_start_taps_are_back_after_a_restart "$LONG" 'up("st1")'

for g in s1 l1 st1 st2 c1; do
	vl destroy $g
done
sees all_off "$LONG" 'not any(up(g) for g in ("s1", "l1", "st1", "st2", "c1"))'
for n in slaac routed6 route open isolated lan; do
	v net-destroy $n
done
