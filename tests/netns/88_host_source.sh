#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# source: host - a guest whose answers would not come back through the host sees the host as its client.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
serve guest2 tcp:80:whoami udp:80:whoami
# As on a bridge of the LAN: the guest has no way to the client, only to its own network.
guest ip route del default
guest ip -6 route del ::/0

config() {
	config_head
	cat <<-END
		  - name: full
		    to: [$G4, "$G6"]
		    source: host
		    publish: ["8080:80", "8080:80/udp", icmp]
		  - name: plain
		    to: [$G4, "$G6"]
		    publish: ["8081:80", "8081:80/udp"]
	END
}

daemon_start -v < <(config)
for p in tcp udp; do
	check "host_source_$p"_v4 sees client $p $HX4 8080 $B4 $G4 80
	check "host_source_$p"_v6 sees client $p $HX6 8080 $B6 $G6 80
	check "without_it_no_answer_$p" no_answer client $p $HX4 8081
	check "host_source_local_$p"_v4 sees host $p $HX4 8080 $B4 $G4 80
	check "host_source_local_$p"_v6 sees host $p $HX6 8080 $B6 $G6 80
	check "host_source_loopback_$p" sees host $p 127.0.0.1 8080 $B4 $G4 80
	check "host_source_another_guest_$p"_v4 sees guest2 $p $HX4 8080 $B4 $G4 80
	check "host_source_another_guest_$p"_v6 sees guest2 $p $B6 8080 $B6 $G6 80
	check "host_source_itself_$p" sees guest $p $B4 8080 $B4 $G4 80
done
check host_source_ping_v4 ping_sees client $HX4 $B4 $G4
check host_source_ping_v6 ping_sees client $HX6 $B6 $G6
# Two clients with the same port get different ports of the host.
hold one client $HX4 8080 -p 40000
hold two guest2 $HX4 8080 -p 40000
check host_source_same_port_one heard one "^tcp $B4"
check host_source_same_port_two heard two "^tcp $B4"
check host_source_one_goes_on say one "first"
check host_source_two_goes_on say two "second"
finish
