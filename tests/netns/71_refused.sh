#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Under `firewall: respect` the host's rules may refuse a forward's first packet: the client hears it from the address it called.

# shellcheck disable=SC2034 # the words in capitals are for lib.sh
. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
# Who calls the guest by its own address is to hear what he always heard.
client ip route replace 192.168.122.0/24 via $HX4
client ip -6 route del blackhole fd00:122::/64
client ip -6 route add fd00:122::/64 via $HX6

# rejects PROGRAM GUEST KIND [TCP_KIND] - what a rule of the host says of packets to the guest's port 80
rejects() {
	host "$1" -w -F FORWARD
	host "$1" -w -A FORWARD -d "$2" -p tcp --dport 80 -j REJECT --reject-with "${4:-$3}"
	host "$1" -w -A FORWARD -d "$2" -p udp --dport 80 -j REJECT --reject-with "$3"
}

# hears NAME PROTO ADDR WANT PATTERN - the client's error, and that no packet to it has the guest's address in it
hears() {
	sniff client eth0 -v "(icmp or icmp6 or tcp) and not (icmp6 and ip6[40] > 128)"
	same "$1_error" "error $4" "$(answer client "$2" "$3" 8080)"
	check "$1_said" wait_for 3 grep -qE "$5" "$SNIFFED"
	sniff_end
	same "$1_names_no_guest" '' "$(grep -E "$G4|$G6" "$SNIFFED")"
}

FIREWALL=respect
daemon_start -v < <(config_web)
rejects iptables $G4 icmp-port-unreachable
rejects ip6tables $G6 icmp6-port-unreachable
hears R55_refused_udp_v4 udp $HX4 ECONNREFUSED "$HX4 > $C4: ICMP $HX4 udp port 8080 unreachable"
hears R55_refused_udp_v6 udp $HX6 ECONNREFUSED "$HX6 > $C6: .*unreachable port, $HX6 udp port 8080"
hears R55_refused_tcp_v4 tcp $HX4 ECONNREFUSED "$HX4 > $C4: ICMP $HX4 tcp port 8080 unreachable"
hears R55_refused_tcp_v6 tcp $HX6 ECONNREFUSED "$HX6 > $C6: .*unreachable port, $HX6 tcp port 8080"
check refused_directly_udp_v4 refused client udp $G4 80
check refused_directly_udp_v6 refused client udp $G6 80
check refused_directly_tcp_v4 refused client tcp $G4 80
check refused_directly_tcp_v6 refused client tcp $G6 80

rejects iptables $G4 icmp-admin-prohibited tcp-reset
rejects ip6tables $G6 icmp6-adm-prohibited tcp-reset
hears R55_refused_by_reset_v4 tcp $HX4 ECONNREFUSED "$HX4.8080 > $C4.*Flags \[R"
hears R55_refused_by_reset_v6 tcp $HX6 ECONNREFUSED "$HX6.8080 > $C6.*Flags \[R"
hears R55_prohibited_udp_v4 udp $HX4 EHOSTUNREACH "$HX4 > $C4: ICMP host $HX4 unreachable - admin prohibited"
hears R55_prohibited_udp_v6 udp $HX6 EACCES "$HX6 > $C6: .*unreachable prohibited $HX6"
check refused_directly_by_reset_v4 refused client tcp $G4 80
check refused_directly_by_reset_v6 refused client tcp $G6 80

# The host's own rules about itself are none of this.
host iptables -w -A INPUT -p udp --dport 9 -j REJECT
check refused_by_the_host_itself refused client udp $HX4 9

host iptables -w -F FORWARD
host ip6tables -w -F FORWARD
check respected_open_v4 sees client tcp $HX4 8080 $C4 $G4 80
check respected_open_v6 sees client tcp $HX6 8080 $C6 $G6 80

# After a reload that passes the firewall there is nothing to log, and after another there is.
FIREWALL=pass
config_web >"$DIR/nfqnat.yaml"
check refused_reload_pass ctl reload
check refused_no_log_rules eval '! rules | grep -qE "NFLOG|log group"'
FIREWALL=respect
config_web >"$DIR/nfqnat.yaml"
check refused_reload_respect ctl reload
rejects iptables $G4 icmp-port-unreachable
hears R55_refused_after_reload udp $HX4 ECONNREFUSED "$HX4 > $C4: ICMP $HX4 udp port 8080 unreachable"
stops refused_stop
check refused_no_rules_left no_rules_of_ours
finish
