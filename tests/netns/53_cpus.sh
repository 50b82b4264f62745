#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A worker's threads stay on their CPUs for what comes by CPU, and run where there is room for TCP.

# shellcheck disable=SC2317,SC2034 # functions are called by check; variables are for lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

CPUS=$(nproc)
if ((CPUS < 2)); then
	skip cpus "there is one CPU"
	finish
fi
net_up
serve guest tcp:80:whoami udp:80:whoami
daemon_start -v <<-END
	workers: $CPUS
	forwards:
	  - name: web
	    to: [$G4, "$G6"]
	    publish: ["8080:80", "8080:80/udp"]
END

# threads - on how many CPUs each thread of the worker may run
threads() {
	local t

	for t in /proc/"$(worker)"/task/*; do
		taskset -cp "${t##*/}" | awk -v n="$CPUS" -F': ' '{ print ($2 ~ /[-,]/) ? "free" : "pinned" }'
	done
}
all_pinned() { (($(threads | grep -c pinned) == CPUS)); }
any_free() { threads | grep -q free; }

check cpus_threads_begin_pinned wait_for 5 all_pinned
tcp_then_free() { sees client tcp $HX4 8080 $C4 $G4 80 && any_free; }
check cpus_tcp_lets_a_thread_go wait_for 10 tcp_then_free
# From each CPU, for each thread.
udp_then_pinned() {
	local cpu

	for ((cpu = 0; cpu < CPUS; cpu++)); do
		client taskset -c "$cpu" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(200):
    s.sendto(b"?", (sys.argv[1], 8080))
' $HX4
	done
	all_pinned
}
check cpus_datagrams_bring_it_back wait_for 20 udp_then_pinned
check cpus_tcp_after_it sees client tcp $HX6 8080 $C6 $G6 80
finish
