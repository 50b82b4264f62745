#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests go out behind the host's address, and prefix for prefix, on kernels that have less than others.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
serve client tcp:80:whoami udp:53:whoami tcp:7:echo udp:7:echo
serve guest tcp:80:whoami
config() {
	config_web
	echo "masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0, filter: endpoint-independent }"
}
daemon_start -v < <(config)
check "outbound_tcp_v4_$STEERING" sees guest tcp $C4 80 $HX4 $C4 80
check "outbound_tcp_v6_$STEERING" sees guest tcp $C6 80 $HX6 $C6 80
check "outbound_udp_v4_$STEERING" sees guest2 udp $C4 53 $HX4 $C4 53
check "outbound_udp_v6_$STEERING" sees guest2 udp $C6 53 $HX6 $C6 53
check "outbound_ping_v4_$STEERING" guest ping -n -c 2 -W 5 $C4
check "outbound_ping_v6_$STEERING" guest ping -n -c 2 -W 5 $C6
check "outbound_error_v4_$STEERING" refused guest udp $C4 99
check "outbound_error_v6_$STEERING" refused guest udp $C6 99
check "outbound_fragments_v4_$STEERING" guest peer burst -s 1473:9000:2500 $C4 7
check "outbound_fragments_v6_$STEERING" guest peer burst -s 1473:9000:2500 $C6 7
check "outbound_forward_beside_it_v6_$STEERING" sees client tcp $HX6 8080 $C6 $G6 80
stops "outbound_stop_$STEERING"
check "outbound_gone_$STEERING" no_rules_of_ours

client ip -6 route add 2001:db8:122::/64 via $HX6
daemon_start -v < <(config_web; echo "nptv6:
  - { inside: \"fd00:122::/64\", outside: \"2001:db8:122::/64\", out: up0 }")
check "outbound_nptv6_$STEERING" sees guest tcp $C6 80 2001:db8:122:0:cf47::50 $C6 80
check "outbound_nptv6_in_$STEERING" sees client tcp 2001:db8:122:0:cf47::50 80 $C6 $G6 80
check "outbound_nptv6_fragments_$STEERING" guest peer burst -s 1473:9000:2500 $C6 7
finish
