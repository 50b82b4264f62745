#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ports, ranges, shifted ranges, exclusions, listen addresses, devices and allow lists mean what they say.

. "$(dirname "$0")/lib.sh"

net_up
ip -n "$P-client" addr add 198.51.100.3/24 dev eth0
# Deprecated: only used by those who bind to it.
ip -n "$P-client" addr add 2001:db8:100::3/64 dev eth0 nodad preferred_lft 0
serve guest tcp:80:whoami tcp:443:whoami tcp:25:whoami udp:25:whoami \
	tcp:6000-6100:whoami udp:6000-6100:whoami tcp:9000-9010:whoami tcp:7000:whoami udp:7000:whoami
serve guest2 tcp:80:whoami
# The host's own services, on forwarded ports and beside them.
serve host tcp:8080:whoami tcp:8079:whoami tcp:8081:whoami tcp:443:whoami tcp:25:whoami udp:25:whoami \
	tcp:4999-5101:whoami udp:5050:whoami udp:5101:whoami tcp:8999-9011:whoami tcp:7000:whoami udp:7000:whoami
config() {
	config_head
	cat <<-END
	  - name: ports
	    to: [$G4, "$G6"]
	    publish: ["8080:80", "443", "5000-5100:6000-6100", "5000-5100:6000-6100/udp", "~5050",
	              "$HY4:25:25/tcp", "[$HY6]:25:25/tcp", "$HY4:25:25/udp", "[$HY6]:25:25/udp",
	              "%up0:9000-9010", "$HY4/icmp", "[$HX6]/icmp"]
	  - name: limited
	    to: [$G4, "$G6"]
	    allow: [$C4/32, "$C6/128"]
	    publish: ["7000", "7000/udp"]
	  - name: four
	    to: [$GG4]
	    publish: ["8079:80"]
	END
}
daemon_start -v < <(config)

# both NAME NS PROTO PORT GUEST_PORT - to the guest, either family
both() {
	check "$1_v4" sees "$2" "$3" $HX4 "$4" $C4 $G4 "$5"
	check "$1_v6" sees "$2" "$3" $HX6 "$4" $C6 $G6 "$5"
}
# both_host NAME NS PROTO PORT - to the host's own service
both_host() {
	check "$1_v4" sees "$2" "$3" $HX4 "$4" $C4 $HX4 "$4"
	check "$1_v6" sees "$2" "$3" $HX6 "$4" $C6 $HX6 "$4"
}

both R27_port_remapped client tcp 8080 80
both R27_port_kept client tcp 443 443
both R27_range_first client tcp 5000 6000
both R27_range_inside client tcp 5049 6049
both R27_range_last client tcp 5100 6100
both R27_range_udp_first client udp 5000 6000
both R27_range_udp_last client udp 5100 6100
both_host R27_range_below client tcp 4999
both_host R27_range_above client tcp 5101
both_host R27_range_udp_above client udp 5101
both_host R27_excluded client tcp 5050
both_host R27_excluded_udp client udp 5050
both_host R27_neighbour_above client tcp 8081

# One address of the host alone.
check R27_listen_address_tcp_v4 sees client tcp $HY4 25 $C4 $G4 25
check R27_listen_address_tcp_v6 sees client tcp $HY6 25 $C6 $G6 25
check R27_listen_address_udp_v4 sees client udp $HY4 25 $C4 $G4 25
check R27_listen_address_udp_v6 sees client udp $HY6 25 $C6 $G6 25
both_host R27_other_listen_address_tcp client tcp 25
both_host R27_other_listen_address_udp client udp 25
check R27_any_listen_address_v4 sees client tcp $HY4 8080 $C4 $G4 80
check R27_any_listen_address_v6 sees client tcp $HY6 8080 $C6 $G6 80

# One device alone: from a guest the same address is the host's own.
both R27_device_first client tcp 9000 9000
both R27_device_last client tcp 9010 9010
both_host R27_device_above client tcp 9011
check R27_other_device_v4 sees guest2 tcp $HX4 9000 $GG4 $HX4 9000
check R27_other_device_v6 sees guest2 tcp $HX6 9000 $GG6 $HX6 9000

# Ping of one address alone. Who answers is told by the hop count: the host is one hop nearer.
ttl_of() {
	client ping -n -c 1 -W 5 "$1" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p'
}
same R27_icmp_listen_address_v4 63 "$(ttl_of $HY4)"
same R27_icmp_other_address_v4 64 "$(ttl_of $HX4)"
same R27_icmp_listen_address_v6 63 "$(ttl_of $HX6)"
same R27_icmp_other_address_v6 64 "$(ttl_of $HY6)"

# A forward of one family leaves the other to the host.
check R89_only_v4_is_forwarded sees client tcp $HX4 8079 $C4 $GG4 80
check R89_v6_is_the_hosts sees client tcp $HX6 8079 $C6 $HX6 8079

# The allow list: others get nothing, and least of all the host's own service on that port.
both R27_allowed_tcp client tcp 7000 7000
both R27_allowed_udp client udp 7000 7000
refused_source() {
	local got

	got=$(client peer "$1" -t 400 -b "$2" "$3" 7000 2>&1) && {
		echo "answered: $got"
		return 1
	}
	return 0
}
check R27_not_allowed_tcp_v4 refused_source tcp 198.51.100.3 $HX4
check R27_not_allowed_tcp_v6 refused_source tcp 2001:db8:100::3 $HX6
check R27_not_allowed_udp_v4 refused_source udp 198.51.100.3 $HX4
check R27_not_allowed_udp_v6 refused_source udp 2001:db8:100::3 $HX6

# Addresses that come and go on a running host: forwards to every address follow at once.
ip -n "$P-host" addr add 203.0.113.77/32 dev up0
ip -n "$P-host" addr add 2001:db8:203::77/128 dev up0 nodad
check R27_new_host_address_v4 sees client tcp 203.0.113.77 8080 $C4 $G4 80
check R27_new_host_address_v6 sees client tcp 2001:db8:203::77 8080 $C6 $G6 80

check R27_check_prints_rows bash -c "'$NFQNATD' --check --config '$DIR/nfqnat.yaml' 2>&1 | grep -q 6000"
finish
