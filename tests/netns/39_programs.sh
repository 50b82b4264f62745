#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs over forwards: ftp, dig, traceroute, tracepath, ping, iperf3, many short connections.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
PY=/usr/bin/python3	# the one whose modules Debian's packages bring

net_up
config() {
	echo "mss: clamp"
	config_head
	echo "  - name: services
    to: [$G4, \"$G6\"]
    publish: [\"21\", \"2100-2119\", \"53\", \"53/udp\", \"5201\", \"5201/udp\", \"8080:80\", \"8080:80/udp\", \"9000-9063/udp\", icmp, \"7:7/udp\", \"8081\"]
  - name: few
    to: [$G4, \"$G6\"]
    publish: [\"8082:8081\"]
    limits: { flows: 2 }
  - name: fewer
    to: [$G4, \"$G6\"]
    publish: [\"8083:8081\"]
    limits: { source-flows: 1, new-flows: 1000 }"
}
serve guest tcp:80:whoami tcp:8081:echo udp:7:echo
daemon_start -v < <(config)

needs() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || return 1
	done
}
# listening NS PORT - somebody accepts TCP there
listening() { in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; }

# ---- ping, one of each class of size ----

ping_sizes() {
	local n

	for n in 0 1 7 8 15 16 55 56 57 1000 1452 1453 1472 1473 2944 2945 8192 20001 40000 65000; do
		client ping -n -c 1 -W 5 -s $n "$1" >/dev/null || {
			echo "size $n is not answered"
			return 1
		}
	done
}
check R51_ping_of_every_class_of_size_v4 ping_sizes $HX4
check R51_ping_of_every_class_of_size_v6 ping_sizes $HX6

# The guest's side is narrower: path MTU discovery works for it, and mss: clamp has something to do.
for d in vnet0 virbr0; do
	host ip link set $d mtu 1300
done
guest ip link set eth0 mtu 1300

# ---- ftp: the control connection and a passive range, the server names the outside address ----

if $PY -W ignore -c 'import pyftpdlib' 2>/dev/null && needs curl; then
	mkdir "$DIR/ftp"
	head -c 3000000 /dev/urandom >"$DIR/ftp/down"
	head -c 1000000 /dev/urandom >"$DIR/up"
	spawn guest $PY -W ignore "$HERE/ftpd.py" "$DIR/ftp" $G4 $HX4 2100 2109 >/dev/null 2>&1
	spawn guest $PY -W ignore "$HERE/ftpd.py" "$DIR/ftp" $G6 $HX6 2110 2119 >/dev/null 2>&1
	wait_for 10 listening guest 21
	ftp_down() { client curl -sS -m 20 --ftp-pasv "ftp://$1/down" | cmp - "$DIR/ftp/down"; }
	ftp_up() {
		client curl -sS -m 20 --ftp-pasv -T "$DIR/up" "ftp://$1/up.$2" && cmp "$DIR/up" "$DIR/ftp/up.$2"
	}
	check R86_ftp_passive_download_v4 ftp_down $HX4
	check R86_ftp_passive_upload_v4 ftp_up $HX4 4
	check R86_ftp_extended_passive_download_v6 ftp_down "[$HX6]"
	check R86_ftp_extended_passive_upload_v6 ftp_up "[$HX6]" 6
else
	skip R86_ftp "needs curl and pyftpdlib"
fi

# ---- dns: answers too large for a packet, over UDP in pieces and over TCP ----

if needs dig dnsmasq; then
	txt=
	for i in $(seq 1 15); do
		txt+=",$(printf '%02d%0198d' "$i" 0)"
	done
	spawn guest dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --port=53 --pid-file= --user=root \
		--bind-interfaces --listen-address=$G4 --listen-address=$G6 --edns-packet-max=4096 --txt-record="big.test$txt" \
		>/dev/null 2>&1
	dns() {
		local got

		got=$(client dig +time=3 +tries=2 "${@:2}" "@$1" big.test TXT +short | tr -d '" \n' | wc -c)
		echo "octets: $got"
		((got == 3000))
	}
	wait_for 5 dns $HX4 +tcp
	for a in $HX4 $HX6; do
		check "R64_dns_large_answer_over_udp_$a" dns "$a" +bufsize=4096 +notcp +ignore
		check "R27_dns_large_answer_over_tcp_$a" dns "$a" +tcp
		check "R27_dns_truncated_then_tcp_$a" dns "$a" +bufsize=512
	done
else
	skip R64_dns "needs dig and dnsmasq"
fi

# ---- the way: every hop is seen, the guest answers as the address that was asked ----

if needs traceroute tracepath; then
	# trace ADDR OPTION... - the guest is two hops away and answers as the address that was asked. So does the host
	# itself, at the first hop: its errors are about first packets (R4, docs/decisions/0004).
	trace() {
		local got

		got=$(client traceroute -n -q 1 -w 3 -m 5 "${@:2}" "$1" 2>&1)
		echo "$got"
		[ "$(awk 'NR == 2 { print $1, $2 } END { print NR, $1, $2 }' <<<"$got" | xargs)" = "1 $1 3 2 $1" ]
	}
	path() {
		local got

		got=$(client tracepath -n -p 9000 -m 10 "$1" 2>&1)
		echo "$got"
		grep -q "$1 .*reached" <<<"$got" && grep -q 'pmtu 1300 hops 2' <<<"$got"
	}
	for a in $HX4 $HX6; do
		check "R4_R54_traceroute_udp_$a" trace "$a" -U -p 9001
		check "R4_R54_traceroute_icmp_$a" trace "$a" -I
		check "R4_R54_traceroute_tcp_$a" trace "$a" -T -p 8080
		check "R62_tracepath_$a" path "$a"
	done
else
	skip R54_traceroute "needs traceroute and tracepath"
fi

# ---- iperf3, both ways and over UDP ----

if needs iperf3; then
	spawn guest iperf3 -s >/dev/null 2>&1
	wait_for 5 listening guest 5201
	iperf() { in_ns_for 30 client iperf3 -c "$@" -t 1 -J >"$DIR/iperf" 2>&1 && ! grep -q '"error"' "$DIR/iperf"; }
	for a in $HX4 $HX6; do
		check "R27_iperf3_$a" iperf "$a"
		check "R27_iperf3_reverse_$a" iperf "$a" -R
		check "R27_iperf3_udp_$a" iperf "$a" -u -b 20M
		check "R27_iperf3_udp_reverse_$a" iperf "$a" -u -b 20M -R
	done
else
	skip R27_iperf3 "needs iperf3"
fi

# ---- an endpoint that moves, as QUIC's do (RFC 9000 9): another port, another address; each is answered ----

ip -n "$P-client" addr add 198.51.100.3/24 dev eth0
ip -n "$P-client" addr add 2001:db8:100::3/64 dev eth0 nodad
moves() {
	local from

	for from in "$2 40001" "$2 40002" "$3 40001" "$2 40001"; do
		[ "$(client peer udp -b "${from% *}" -p "${from#* }" -m "id 7 from $from" "$1" 7)" = "id 7 from $from" ] || {
			echo "no answer to $from"
			return 1
		}
	done
}
check R27_endpoint_that_moves_v4 moves $HX4 $C4 198.51.100.3
check R27_endpoint_that_moves_v6 moves $HX6 $C6 2001:db8:100::3

# ---- ten thousand connections, none lost ----

check R42_ten_thousand_connections client $PY "$HERE/churn.py" 5000 $HX4 $HX6

# ---- what the configuration asked for ----

mss_of() {
	sniff guest eth0 'tcp[tcpflags] & tcp-syn != 0 or (ip6 and ip6[53] & 2 != 0)'
	sees client tcp "$1" 8080 "$2" "$3" 80
	wait_for 3 grep -q "mss $4" "$SNIFFED"
	local status=$?
	sniff_end
	return $status
}
check R49_mss_is_clamped_to_the_narrower_link_v4 mss_of $HX4 $C4 $G4 1260
check R49_mss_is_clamped_to_the_narrower_link_v6 mss_of $HX6 $C6 $G6 1240
hold one client $HX4 8082
say one first >/dev/null
hold two client $HX6 8082
say two second >/dev/null
check R79_a_forward_with_all_its_flows_takes_no_more no_answer client tcp $HX4 8082
check R79_those_it_has_go_on say one still
hold three client $HX4 8083
say three third >/dev/null
check R79_a_source_with_all_its_flows_gets_no_more no_answer client tcp $HX4 8083
check R79_it_may_elsewhere sees client tcp $HX4 8080 $C4 $G4 80
kill -USR1 "$DAEMON"
check R91_limits_are_counted wait_for 5 log_has 'dropped .*LIMIT_FLOWS'
hang_up one
hang_up two
hang_up three
finish
