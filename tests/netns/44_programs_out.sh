#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs of a guest behind masquerade: ftp, dig, traceroute, tracepath, iperf3, an endpoint that moves.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
PY=/usr/bin/python3
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
needs() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || return 1
	done
}
listening() { in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; }

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
	path() {
		local got

		got=$(guest tracepath -n -m 10 "$1" 2>&1)
		echo "$got"
		grep -q "$1 .*reached" <<<"$got" && grep -q 'pmtu 1300 hops 3' <<<"$got"
	}
	check R62_tracepath_out_v4 path $F4
	check R62_tracepath_out_v6 path $F6
else
	skip R54_traceroute_out "needs traceroute and tracepath"
fi

# ---- ftp in passive mode: the guest opens both connections ----
if $PY -W ignore -c 'import pyftpdlib' 2>/dev/null && needs curl; then
	mkdir "$DIR/ftp"
	head -c 3000000 /dev/urandom >"$DIR/ftp/down"
	for a in $F4 $F6; do
		spawn far $PY -W ignore "$HERE/ftpd.py" "$DIR/ftp" $a $a 2100 2109 >/dev/null 2>&1
	done
	both() { (($(in_ns far ss -Hltn "sport = :21" | wc -l) == 2)); }
	wait_for 10 both
	ftp() {
		guest curl -sS -m 20 --ftp-pasv "ftp://$1/down" | cmp - "$DIR/ftp/down" &&
			guest curl -sS -m 20 --ftp-pasv -T "$DIR/ftp/down" "ftp://$1/up.$2" && cmp "$DIR/ftp/down" "$DIR/ftp/up.$2"
	}
	check R86_ftp_passive_out_v4 ftp $F4 4
	check R86_ftp_passive_out_v6 ftp "[$F6]" 6
else
	skip R86_ftp_out "needs curl and pyftpdlib"
fi

# ---- dns: 4096 octets of EDNS in fragments, TCP, truncated and then TCP ----
if needs dig dnsmasq; then
	txt=
	for i in $(seq 1 20); do
		txt+=",$(printf '%02d%0198d' "$i" 0)"
	done
	spawn far dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --port=53 --pid-file= --user=root \
		--bind-interfaces --listen-address=$F4 --listen-address=$F6 --edns-packet-max=4096 --txt-record="big.test${txt:0:3900}" \
		>/dev/null 2>&1
	# An answer of just under 4096 octets, as dig counts it.
	dns() {
		local got

		got=$(guest dig +time=3 +tries=2 "${@:2}" "@$1" big.test TXT | sed -n 's/^;; MSG SIZE *rcvd: //p')
		echo "octets: $got"
		((got > 3900 && got <= 4096))
	}
	wait_for 5 dns $F4 +tcp
	for a in $F4 $F6; do
		check "R64_dns_4096_out_over_udp_$a" dns "$a" +bufsize=4096 +notcp +ignore
		check "R18_dns_out_over_tcp_$a" dns "$a" +tcp
		check "R18_dns_out_truncated_then_tcp_$a" dns "$a" +bufsize=512
	done
else
	skip R64_dns_out "needs dig and dnsmasq"
fi

# ---- iperf3 ----
if needs iperf3; then
	spawn far iperf3 -s >/dev/null 2>&1
	wait_for 5 listening far 5201
	iperf() { in_ns_for 30 guest iperf3 -c "$@" -t 1 -J >"$DIR/iperf" 2>&1 && ! grep -q '"error"' "$DIR/iperf"; }
	for a in $F4 $F6; do
		check "R18_iperf3_out_$a" iperf "$a"
		check "R18_iperf3_out_reverse_$a" iperf "$a" -R
		check "R18_iperf3_out_udp_$a" iperf "$a" -u -b 20M
		check "R18_iperf3_out_udp_reverse_$a" iperf "$a" -u -b 20M -R
	done
else
	skip R18_iperf3_out "needs iperf3"
fi

# ---- a guest's endpoint that moves in mid conversation, as QUIC's do: another port, another address, and back ----
ip -n "$P-guest" addr add 192.168.122.53/24 dev eth0
ip -n "$P-guest" addr add fd00:122::53/64 dev eth0 nodad
moves() {
	local from

	for from in "$2 20001" "$2 20002" "$3 20001" "$2 20001"; do
		[ "$(guest peer udp -b "${from% *}" -p "${from#* }" -m "id 7 from $from" "$1" 7)" = "id 7 from $from" ] || {
			echo "no answer to $from"
			return 1
		}
	done
}
check R18_endpoint_that_moves_out_v4 moves $F4 $G4 192.168.122.53
check R18_endpoint_that_moves_out_v6 moves $F6 $G6 fd00:122::53
finish
