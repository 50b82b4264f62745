#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client outside reaches the guest through the host's address and is seen as itself.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

net_up
matrix_serve
# What other flows do to the queue's counter is the measure in R12 below.
serve host tcp:22:whoami udp:22:whoami
serve guest tcp:443:whoami tcp:7:echo udp:7:echo
config() {
	config_web
	echo "  - name: more
    to: [$G4, \"$G6\"]
    publish: [\"7:7\", \"7:7/udp\", \"8099:99/udp\", \"8099:99\"]"
}
daemon_start -v < <(config)

matrix_external

# ---- the same flow is kept while it lasts ----

conversation() {
	hold talk client "$1" 7
	say talk one && say talk two && hang_up talk
}
check R38_conversation_and_close_v4 conversation $HX4
check R38_conversation_and_close_v6 conversation $HX6

# half_close - the client ends its side first; what it sent still comes back after that
half_close() {
	[ "$(seq 20000 | client peer tcp -i "$1" 7 | sha256)" = "$(seq 20000 | sha256)" ]
}
check R41_half_close_v4 half_close $HX4
check R41_half_close_v6 half_close $HX6

# ---- many flows at once, each answered to the one who asked ----

many() {
	local i pids=()

	for i in {1..40}; do
		client peer tcp "$1" 8080 >"$DIR/many.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat "$DIR"/many.* | grep -c "^tcp .* $2 80$")" = 40 ] &&
		[ "$(cat "$DIR"/many.* | sort -u | wc -l)" = 40 ] && return
	sort "$DIR"/many.* | uniq -c
	return 1
}
check R21_forty_flows_at_once_v4 many $HX4 $G4
check R21_forty_flows_at_once_v6 many $HX6 $G6

# ---- one port of the client to two addresses of the host: the same socket to the guest, so never mixed ----

same_port_twice() {
	local status

	hold one client "$1" 8080 -p 40125
	heard one ' 40125 ' || return
	hold two client "$2" 8080 -p 40125
	# The second may be refused, or come from another port.
	wait_for 2 test -s "$DIR/hold.two"
	! file_has "$DIR/hold.two" ' 40125 ' || return
	say one 'still there'
	status=$?
	hang_up two
	hang_up one && return $status
}
check R23_two_listen_addresses_from_one_port_v4 same_port_twice $HX4 $HY4
check R23_two_listen_addresses_from_one_port_v6 same_port_twice $HX6 $HY6

# ---- every size of datagram; the large ones travel as fragments ----

burst() { client peer burst "${@:3}" -s "$2" "$1" 7; }
check R15_udp_odd_lengths_v4 burst $HX4 1:66:1
check R15_udp_odd_lengths_v6 burst $HX6 1:66:1
check R14_udp_without_checksum_v4 burst $HX4 1:1472:147 -z
check R64_udp_fragments_v4 burst $HX4 1473:60000:9755
check R64_udp_fragments_v6 burst $HX6 1453:60000:9755
# The kernel hands over 65531 octets of a packet at most (R7), IP header included.
check R71_udp_64_KiB_v4 burst $HX4 65503:65503:1
check R71_udp_64_KiB_v6 burst $HX6 65483:65483:1

# ---- a closed port of the guest: the answer names the address the client asked ----

closed_udp() {
	local got

	got=$(client peer udp -E "$1" 8099 2>&1)
	[ "$got" = "icmp type $2 mtu 0 from $1 0 about $1 8099
error ECONNREFUSED" ] && return
	echo "got: $got"
	return 1
}
check R55_closed_udp_port_v4 closed_udp $HX4 '3 code 3'
check R55_closed_udp_port_v6 closed_udp $HX6 '1 code 4'
check R45_closed_tcp_port_v4 refused client tcp $HX4 8099
check R45_closed_tcp_port_v6 refused client tcp $HX6 8099

# ---- what is not forwarded never leaves the kernel ----

# A ping is forwarded here, so all questions are TCP and UDP.
before=$(queue_quiet)
check R30_own_service_tcp_v4 sees client tcp $HX4 22 $C4 $HX4 22
check R30_own_service_tcp_v6 sees client tcp $HX6 22 $C6 $HX6 22
check R30_own_service_udp_v4 sees client udp $HX4 22 $C4 $HX4 22
check R30_own_service_udp_v6 sees client udp $HX6 22 $C6 $HX6 22
check R30_own_service_from_guest_v4 sees guest tcp $HX4 22 $G4 $HX4 22
check R30_own_service_from_guest_v6 sees guest tcp $HX6 22 $G6 $HX6 22
check R30_closed_port_is_refused_by_the_host_v4 refused client tcp $HX4 8081
check R30_closed_port_is_refused_by_the_host_v6 refused client tcp $HX6 8081
check R12_guest_to_guest_v4 sees guest2 tcp $G4 443 $GG4 $G4 443
check R12_guest_to_guest_v6 sees guest2 tcp $G6 443 $GG6 $G6 443
same R12_other_traffic_is_not_queued "$before" "$(queue_quiet)"

# The host's own firewall may reject; its ICMP errors are not ours and must not get lost in a queue.
reject() {
	local i

	for i in iptables ip6tables; do
		host $i-nft -w -A INPUT -p tcp --dport 23 -j REJECT 2>"$DIR/reject" ||
			host $i-legacy -w -A INPUT -p tcp --dport 23 -j REJECT 2>"$DIR/reject" || return
	done
}
if reject; then
	check R30_hosts_own_reject_v4 refused client tcp $HX4 23
	check R30_hosts_own_reject_v6 refused client tcp $HX6 23
	check R30_hosts_own_reject_of_itself_v4 refused host tcp $HX4 23
	check R30_hosts_own_reject_of_itself_v6 refused host tcp $HX6 23
else
	skip R30_hosts_own_reject "no REJECT here: $(head -n 1 "$DIR/reject")"
fi

check R91_log_names_the_flow log_has 'flow [0-9]+ new.*198\.51\.100\.2.*192\.168\.122\.50'
check R91_log_names_the_flow_v6 log_has 'flow [0-9]+ new.*2001:db8:100::2.*fd00:122::50'
finish
