#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What conntrack makes of it: one clean flow in the host, and errors that the client's own conntrack takes for related.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
daemon_start -v < <(config_web)

if ! command -v conntrack >/dev/null || ! host conntrack -L >/dev/null 2>&1; then
	skip R2_conntrack "there is no conntrack here"
	finish
fi

# one_clean_flow FAMILY CLIENT GUEST HOST - client and guest, as if there were no address of the host between them
one_clean_flow() {
	local flows

	flows=$(host conntrack -L -f "$1" 2>/dev/null | grep -E 'dport=80 ')
	echo "$flows"
	grep -q "src=$2 dst=$3 .*src=$3 dst=$2 " <<<"$flows" && ! host conntrack -L -f "$1" 2>/dev/null | grep -qE "dst=$4 .*dport=8080 "
}
for p in tcp udp; do
	check R2_${p}_v4 sees client $p $HX4 8080 $C4 $G4 80
	check R2_${p}_v6 sees client $p $HX6 8080 $C6 $G6 80
done
check R2_conntrack_sees_one_clean_flow_v4 one_clean_flow ipv4 $C4 $G4 $HX4
check R2_conntrack_sees_one_clean_flow_v6 one_clean_flow ipv6 $C6 $G6 $HX6
check R2_conntrack_calls_nothing_invalid eval '[ "$(host conntrack -S | grep -oE " invalid=[0-9]+" | cut -d= -f2 | sort -u | tr -d "\n")" = 0 ]'

# The client's own firewall lets in what its conntrack calls RELATED, and nothing else.
for i in iptables ip6tables; do
	for f in legacy nft; do
		can_iptables $f || continue
		client $i-$f -w -A INPUT -p udp -m conntrack --ctstate ESTABLISHED -j ACCEPT
		client $i-$f -w -A INPUT -m conntrack --ctstate RELATED -j ACCEPT
		# shellcheck disable=SC2046 # several words
		client $i-$f -w -A INPUT -p $([ $i = iptables ] && echo icmp || echo icmpv6 -m icmp6 --icmpv6-type 1) -j DROP
		break
	done
done
# The guest's server ends: its port unreachable must reach the client's program, past the client's firewall.
end_pid "$SPAWNED"
refused_related() {
	[ "$(client peer udp -p 40777 -E "$1" 8080 2>&1 | tail -n 1)" = 'error ECONNREFUSED' ]
}
check R60_clients_conntrack_takes_the_error_for_related_v4 refused_related $HX4
check R60_clients_conntrack_takes_the_error_for_related_v6 refused_related $HX6
finish
