#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real programs over forwards: ftp, dig, traceroute, tracepath, ping, iperf3, many short connections.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=programs.sh
. "$(dirname "$0")/programs.sh"

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

if has_ftpd; then
	mkdir "$DIR/ftp"
	head -c 3000000 /dev/urandom >"$DIR/ftp/down"
	head -c 1000000 /dev/urandom >"$DIR/up"
	ftp_serve guest $G4 $HX4 2100 2109
	ftp_serve guest $G6 $HX6 2110 2119
	wait_for 10 listening guest 21 2
	check R86_ftp_passive_download_v4 ftp_down client $HX4
	check R86_ftp_passive_upload_v4 ftp_up client $HX4 up.4
	check R86_ftp_extended_passive_download_v6 ftp_down client "[$HX6]"
	check R86_ftp_extended_passive_upload_v6 ftp_up client "[$HX6]" up.6
else
	skip R86_ftp "needs curl and pyftpdlib"
fi

# ---- dns: answers too large for a packet, over UDP in pieces and over TCP ----

if needs dig dnsmasq; then
	dns_serve guest $G4 $G6 3000
	wait_for 5 dns client $HX4 3000 +tcp
	for a in $HX4 $HX6; do
		dns_all client $a 3000 R64_dns_large_answer R27_dns
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
	for a in $HX4 $HX6; do
		check "R4_R54_traceroute_udp_$a" trace "$a" -U -p 9001
		check "R4_R54_traceroute_icmp_$a" trace "$a" -I
		check "R4_R54_traceroute_tcp_$a" trace "$a" -T -p 8080
		check "R62_tracepath_$a" path client "$a" 2 -p 9000
	done
else
	skip R54_traceroute "needs traceroute and tracepath"
fi

# ---- iperf3, both ways and over UDP ----

if needs iperf3; then
	iperf_serve guest
	for a in $HX4 $HX6; do
		iperf_all R27_iperf3 client "$a"
	done
else
	skip R27_iperf3 "needs iperf3"
fi

# ---- an endpoint that moves ----

ip -n "$P-client" addr add 198.51.100.3/24 dev eth0
ip -n "$P-client" addr add 2001:db8:100::3/64 dev eth0 nodad
check R27_endpoint_that_moves_v4 moves client $HX4 $C4 198.51.100.3 40001
check R27_endpoint_that_moves_v6 moves client $HX6 $C6 2001:db8:100::3 40001

# ---- ten thousand connections as fast as they go, none lost; how many a second is bench/'s to say ----

churn() { client $PY "$PROGRAMS/churn.py" 10000 $HX4 $HX6 >"$DIR/churn" || { cat "$DIR/churn"; return 1; }; }
check R42_ten_thousand_connections churn
result_note <"$DIR/churn"

# ---- what the configuration asked for ----

mss_of() {
	sniff guest eth0 'tcp[tcpflags] & tcp-syn != 0 or (ip6 and ip6[53] & 2 != 0)'
	sees client tcp "$1" 8080 "$2" "$3" 80
	wait_for 10 grep -q "mss $4" "$SNIFFED"
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
