#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Told packet by packet: headers, checksums, TCP states, ICMP errors, fragments and malformed packets.

. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

if ! command -v python3 >/dev/null; then
	skip raw "there is no python3"
	finish
fi
net_up
raw_neighbours
# A router somewhere outside is behind the client's side.
host ip route add 192.0.2.0/24 via 198.51.100.77
host ip route add 2001:db8:99::/64 via 2001:db8:100::77
sysctl_in host net.ipv4.conf.all.accept_redirects=0

config() {
	config_head
	echo "  - name: raw
    to: [192.168.122.60, \"fd00:122::60\"]
    publish: [\"8080:80\", \"8080:80/udp\", icmp]"
}
daemon_start -v < <(config)
first=$(worker)

adopt python3 "$HERE/raw.py" "$P-client" "$P-guest" "$(raw_mac up0)" "$(raw_mac virbr0)" "$LOG" ${RAW:-}

check R82_daemon_survives alive "$DAEMON"
same R82_worker_survives "$first" "$(worker)"
kill -USR1 "$DAEMON"
# The words are those of the reasons: what was malformed was counted as such.
check R91_counters_tell_of_malformed_packets wait_for 10 log_has 'shorter than its transport header|L4_SHORT'
finish
