#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SCTP, UDP-Lite, DCCP, GRE and ESP, packet by packet; and a guest that gets whatever nobody else wants.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

net_up
raw_neighbours
config() {
	config_head
	echo "  - name: raw
    to: [192.168.122.60, \"fd00:122::60\"]
    publish: [\"8080:80/sctp\", \"8080:80/udplite\", \"8080:80/dccp\", gre, esp, proto-253]
  - name: web
    to: [$G4, \"$G6\"]
    publish: [\"8081:80\"]
  - name: dmz
    to: [$GG4, \"$GG6\"]
    publish: [\"$HX4/all\", \"[$HX6]/all\", ~23]"
}
serve guest tcp:80:whoami
serve guest2 tcp:22:whoami tcp:80:whoami tcp:443:whoami tcp:8081:whoami tcp:23:whoami udp:53:whoami udp:7000:whoami udp:5353:whoami
serve host tcp:22:whoami udp:53:whoami
serve client udp:99:echo tcp:99:whoami
daemon_start -v < <(config)
first=$(worker)

adopt python3 "$HERE/raw_protocols.py" "$P-client" "$P-guest" "$(raw_mac up0)" "$(raw_mac virbr0)"
check R91_log_names_the_protocols eval 'log_has "new sctp " && log_has "new esp " && log_has "new proto-253 "'
same R82_worker_survives "$first" "$(worker)"

# ---- the rest goes to guest2, but for what somebody else has ----
for v in 4 6; do
	hx=HX$v hx=${!hx} g=G$v g=${!g} gg=GG$v gg=${!gg} c=C$v c=${!c}
	check R27_rest_tcp_v$v sees client tcp "$hx" 443 "$c" "$gg" 443
	check R27_rest_udp_v$v sees client udp "$hx" 7000 "$c" "$gg" 7000
	check R27_a_published_port_is_not_of_the_rest_v$v sees client tcp "$hx" 8081 "$c" "$g" 80
	check R30_a_socket_of_the_host_comes_before_the_rest_tcp_v$v sees client tcp "$hx" 22 "$c" "$hx" 22
	check R30_a_socket_of_the_host_comes_before_the_rest_udp_v$v sees client udp "$hx" 53 "$c" "$hx" 53
	check R90_an_excluded_port_is_not_of_the_rest_v$v refused client tcp "$hx" 23
	check R75_rest_hairpin_v$v sees guest tcp "$hx" 443 "$hx" "$gg" 443
	# The host's own conversations come back to its own sockets, from any port.
	check R30_hosts_own_tcp_v$v answer host tcp "$c" 99
	check R30_hosts_own_udp_v$v host peer burst -s 1:66:13 "$c" 99
done
check R30_hosts_own_loopback sees host tcp 127.0.0.1 22 127.0.0.1 127.0.0.1 22
stops R27_rest_stop
check R27_rest_nothing_is_left no_rules_of_ours
finish
