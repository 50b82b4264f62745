#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs of a guest behind masquerade: ftp, dig, traceroute, tracepath, iperf3, an endpoint that moves.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=programs.sh
. "$(dirname "$0")/programs.sh"

F4=198.51.101.2 F6=2001:db8:101::2	# far: behind the client, which is a router here

net_up
ns_add far
link client far0 far eth0
sysctl_in client net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
client ip addr add 198.51.101.1/24 dev far0
client ip addr add 2001:db8:101::1/64 dev far0 nodad
in_ns far ip addr add $F4/24 dev eth0
in_ns far ip addr add $F6/64 dev eth0 nodad
in_ns far ip route add default via 198.51.101.1
in_ns far ip -6 route add ::/0 via 2001:db8:101::1
host ip route add 198.51.101.0/24 via $C4
host ip -6 route add 2001:db8:101::/64 via $C6
serve far tcp:80:whoami udp:7:echo
config() {
	config_head | sed '$d'
	echo "masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}
daemon_start -v < <(config)

# ---- a burst that begins a conversation waits for its first packet's verdict: conntrack takes none of it for a double ----
clashes() { host conntrack -S | grep -oE 'insert_failed=[0-9]+' | awk -F= '{ n += $2 } END { print n + 0 }'; }
queued() { [ "$(host awk '{ n += $3 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue)" -ge "$1" ]; }
burst() {
	local w before

	w=$(worker) before=$(clashes)
	kill -STOP "$w"
	spawn guest ping -n -q -c 6 -l 6 -W 5 "$1" >"$DIR/burst" 2>&1
	wait_for 5 queued 6
	kill -CONT "$w"
	wait_for 10 file_has "$DIR/burst" 'packets transmitted'
	cat "$DIR/burst"
	echo "clashes: $before, then $(clashes)"
	grep -q ' 6 received' "$DIR/burst" && [ "$(clashes)" = "$before" ]
}
one_entry() { [ "$(host conntrack -L "$@" 2>/dev/null | grep -c .)" = 1 ]; }
if needs conntrack; then
	check R54_burst_out_v4 burst $F4
	check R54_burst_out_is_one_connection_v4 one_entry -f ipv4 -p icmp
	check R54_burst_out_v6 burst $F6
	check R54_burst_out_is_one_connection_v6 one_entry -f ipv6 -p icmpv6
else
	skip R54_burst_out "needs conntrack"
fi

# ---- the way out: three hops, each seen by the guest; the routers' own addresses stay ----
if needs traceroute tracepath; then
	trace() {
		local got

		got=$(guest traceroute -n -q 1 -w 3 -m 6 "${@:3}" "$1" 2>&1 | awk 'NR > 1 { print $2 }' | paste -sd ' ')
		echo "want $2 $1, got $got"
		[ "$got" = "$2 $1" ]
	}
	for m in "udp -U -p 33434" "icmp -I" "tcp -T -p 80"; do
		# shellcheck disable=SC2086 # words
		check "R54_traceroute_out_${m%% *}_v4" trace $F4 "$B4 $C4" ${m#* }
		# shellcheck disable=SC2086 # words
		check "R54_traceroute_out_${m%% *}_v6" trace $F6 "$B6 $C6" ${m#* }
	done
	# By route: the far end must not know, or it would ask for small segments itself.
	client ip route replace 198.51.101.0/24 dev far0 src 198.51.101.1 mtu lock 1300
	client ip -6 route replace 2001:db8:101::/64 dev far0 metric 256 mtu 1300
	check R62_tracepath_out_v4 path guest $F4 3
	check R62_tracepath_out_v6 path guest $F6 3
else
	skip R54_traceroute_out "needs traceroute and tracepath"
fi

# ---- ftp in passive mode: the guest opens both connections ----
if has_ftpd; then
	mkdir "$DIR/ftp"
	head -c 3000000 /dev/urandom >"$DIR/ftp/down"
	head -c 1000000 /dev/urandom >"$DIR/up"
	for a in $F4 $F6; do
		ftp_serve far $a $a 2100 2109
	done
	wait_for 10 listening far 21 2
	ftp() { ftp_down guest "$1" && ftp_up guest "$1" "up.$2"; }
	check R86_ftp_passive_out_v4 ftp $F4 4
	check R86_ftp_passive_out_v6 ftp "[$F6]" 6
else
	skip R86_ftp_out "needs curl and pyftpdlib"
fi

# ---- dns: 4096 octets of EDNS in fragments, TCP, truncated and then TCP ----
if needs dig dnsmasq; then
	# 3880 octets of text make an answer of just under 4096, as dig counts it.
	dns_serve far $F4 $F6 3880
	wait_for 5 dns guest $F4 3880 +tcp
	for a in $F4 $F6; do
		dns_all guest $a 3880 R64_dns_4096_out R18_dns_out
	done
else
	skip R64_dns_out "needs dig and dnsmasq"
fi

# ---- iperf3 ----
if needs iperf3; then
	iperf_serve far
	for a in $F4 $F6; do
		iperf_all R18_iperf3_out guest "$a"
	done
else
	skip R18_iperf3_out "needs iperf3"
fi

# ---- a guest's endpoint that moves ----
ip -n "$P-guest" addr add 192.168.122.53/24 dev eth0
ip -n "$P-guest" addr add fd00:122::53/64 dev eth0 nodad
check R18_endpoint_that_moves_out_v4 moves guest $F4 $G4 192.168.122.53 20001
check R18_endpoint_that_moves_out_v6 moves guest $F6 $G6 fd00:122::53 20001
finish
