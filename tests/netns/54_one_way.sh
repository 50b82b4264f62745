#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Datagrams that the guest never answers: conntrack takes each for the first of a flow, until it is told otherwise.

# shellcheck disable=SC2317,SC2034 # functions are called by check; variables are for lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

net_up
if ! command -v conntrack >/dev/null || ! host conntrack -L >/dev/null 2>&1; then
	skip one_way "there is no conntrack here"
	finish
fi
IPTABLES=iptables-nft IP6TABLES=ip6tables-nft
command -v iptables-nft >/dev/null || IPTABLES=iptables IP6TABLES=ip6tables

# datagrams ADDRESS N - from one port of the client, some at a time
datagrams() {
	client python3 - "$1" "$2" <<-'END'
		import socket, sys, time
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 5000))
		for i in range(int(sys.argv[2])):
		    s.sendto(b"%d" % i, (sys.argv[1], 8080))
		    if i % 8 == 7:
		        time.sleep(0.001)
	END
}
# arrived N - at the guest's port, so far, by its own count
arrived() {
	(($(guest awk '/^Udp:/ && $4 ~ /[0-9]/ { n += $2 } END { print n }' /proc/net/snmp) + \
		$(guest awk '$1 == "Udp6InDatagrams" { print $2 }' /proc/net/snmp6) == $1))
}
flow() { host conntrack -L -f "$1" -p udp 2>/dev/null | grep 'sport=5000 '; }
is_established() { flow "$1" | grep -qv UNREPLIED; }
# queues_for N WORD... - how many packets are queued meanwhile?
queues_for() {
	local before

	before=$(queue_quiet)
	"${@:2}"
	(($(queue_quiet) - before == $1))
}

spawn guest python3 -c '
import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 80))
while True:
    s.recv(2048)'
check one_way_guest_listens wait_for 5 eval 'guest ss -lunH | grep -q ":80 "'
host $IPTABLES -A FORWARD -d $G4 -m conntrack ! --ctstate RELATED,ESTABLISHED -j REJECT
host $IP6TABLES -A FORWARD -d $G6 -m conntrack ! --ctstate RELATED,ESTABLISHED -j REJECT

daemon_start -v < <(config_web)
sent=0
for f in ipv4:$HX4 ipv6:$HX6; do
	check "one_way_${f%%:*}_begins" queues_for 16 datagrams "${f#*:}" 8
	check "one_way_${f%%:*}_is_new_at_first" eval "! is_established ${f%%:*}"
	datagrams "${f#*:}" 60
	check "one_way_${f%%:*}_conntrack_is_told" wait_for 5 is_established "${f%%:*}"
	check "one_way_${f%%:*}_one_transit_each" queues_for 100 datagrams "${f#*:}" 100
	sent=$((sent + 168))
	check "one_way_${f%%:*}_all_arrive" wait_for 5 arrived $sent
done
daemon_stop

# Where the host's rules count, new stays new.
host conntrack -F 2>/dev/null
host $IPTABLES -F FORWARD
FIREWALL=respect daemon_start -v < <(FIREWALL=respect config_web)
datagrams $HX4 60
check one_way_arrive_where_rules_let_them wait_for 5 arrived $((sent + 60))
check one_way_respected_stays_new eval '! is_established ipv4'
finish
