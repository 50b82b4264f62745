#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Floods of real packets: unanswered SYNs evict no answered flow; a full table refuses and counts; rates are kept.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

net_up
raw_neighbours
config() {
	echo "max-flows: 1024"
	config_head
	echo "  - name: web
    to: [$G4, \"$G6\"]
    publish: [\"8080:80\", \"8080:80/udp\"]
  - name: void
    to: [192.168.122.99, \"fd00:122::99\"]
    publish: [\"8090:80\"]
  - name: slow
    to: [$G4, \"$G6\"]
    publish: [\"8095:80/udp\"]
    limits: { new-flows: 3 }"
}
serve guest tcp:80:echo udp:80:echo
daemon_start -v < <(config)
sees_echo() { [ "$(client peer udp -m word "$1" 8080)" = word ]; }
says_counted() { kill -USR1 "$DAEMON" && wait_for 1 log_has "dropped  *$1:"; }
counted() { wait_for 10 says_counted "$1"; }

# ---- SYNs of many sources to where nobody answers: twenty times what the table holds ----
flood() { client python3 - "$1" 8090 "$2" <<-'END'
	import os, random, socket, struct, sys
	to, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	v6 = ":" in to
	def sum16(b):
	    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
	    while s >> 16:
	        s = (s & 0xffff) + (s >> 16)
	    return s ^ 0xffff
	s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	dst = socket.inet_pton(s.family, to)
	for i in range(n):
	    src = dst[:8] + os.urandom(8) if v6 else bytes([198, 51, 100, random.randrange(10, 250)])
	    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), port, i, 0, 0x50, 2, 1000, 0, 0)
	    tcp = tcp[:16] + struct.pack("!H", sum16(src + dst + struct.pack("!II", len(tcp), 6) + tcp)) + tcp[18:]
	    head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) if v6 else struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0)
	    s.sendto(head + src + dst + tcp, (to, 0))
	END
}
hold four client $HX4 8080
hold six client $HX6 8080
check R78_before_the_flood eval 'say four one && say six one'
flood $HX4 10000
flood $HX6 10000
check R78_open_flows_outlive_a_syn_flood eval 'say four two && say six two'
check R78_new_ones_find_room_v4 sees_echo $HX4
check R78_new_ones_find_room_v6 sees_echo $HX6

# ---- a table full of answered flows ----
# crowd ADDRESS N - N sockets ask and stay; how many were answered, how many were not, how many are when asked again
crowd() { client python3 - "$1" "$2" <<-'END'
	import resource, socket, sys
	to, n = sys.argv[1], int(sys.argv[2])
	resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
	def answered(s):
	    try:
	        s.send(b"word")
	        s.settimeout(2 if s in done or not full else 0.02)
	        return s.recv(99) == b"word"
	    except OSError:         # silence, or the host's word that there is no room
	        return False
	done, full = set(), 0
	for i in range(n):
	    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
	    s.connect((to, 8080))
	    if answered(s):
	        done.add(s)
	    else:
	        full += 1
	print(len(done), full, sum(map(answered, list(done))))
	END
}
read -r answered refused again < <(crowd $HX4 1200)
echo "# $answered of 1200 conversations were taken, $refused refused"
check R76_a_full_table_is_full [ "$answered" -ge 900 ]
check R76_a_full_table_refuses [ "$refused" -ge 176 ]
same R76_those_it_has_go_on "$answered" "$again"
check R76_open_flows_go_on eval 'say four three && say six three'
check R76_refusals_are_counted counted TABLE_FULL
hang_up four
hang_up six

# ---- new flows in a second ----
daemon_stop
daemon_start -v < <(config)
# From 40 ports, by one process: 40 would take longer than the second in which it must be.
client python3 -c '
import socket, sys
open = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
for s in open:
    s.sendto(b"x", (sys.argv[1], 8095))' $HX4
check R81_new_flows_are_limited counted LIMIT_RATE
check R81_others_are_not sees_echo $HX4
finish
