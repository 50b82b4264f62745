#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long a packet waited in the kernel's queue is seen: in a trace, and in the metrics.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami udp:80:whoami
daemon_start -v < <(config_web)

watching() { [ "$(ctl --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)["watchers"]["now"])')" = "$1" ]; }
waiting() { host awk '{ n += $3 } END { exit !n }' /proc/net/netfilter/nfnetlink_queue; }
metric() { ctl metrics | awk -v s="$1" '$1 == s { print $2 }'; }
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 >= b) }'; }

spawn host "$BUILD/nfqnatctl" --socket "$DIR/control.sock" trace --count 1 udp dst port 8080 >"$DIR/trace" 2>&1
spawn host "$BUILD/nfqnatctl" --json --socket "$DIR/control.sock" trace --count 1 udp dst port 8080 >"$DIR/json" 2>&1
check wait_watched wait_for 10 watching 2
# A worker that does nothing for 300 ms: main gives it 5 s before it would blame it.
W=$(worker)
kill -STOP "$W"
spawn client bash -c "exec 3<>/dev/udp/$HX4/8080 && echo >&3 && read -r -N 1 -u 3"
check wait_is_queued wait_for 5 waiting
BEGIN=$(now_ms)
# Its clock has steps of 10 ms.
check wait_300_ms wait_for 5 since "$BEGIN" 320
kill -CONT "$W"
check wait_in_the_trace wait_for 5 file_has "$DIR/trace" 'waited ([3-9][0-9]{5}|[0-9]{7,}) us, took [0-9.]+ us$'
check wait_in_json wait_for 5 file_has "$DIR/json" '"waited_us":([3-9][0-9]{5}|[0-9]{7,})\.'
check wait_is_not_the_batch eval '! grep -qE "took ([3-9][0-9]{5}|[0-9]{7,})" "$DIR/trace"'

# The histogram has one batch in seventeen, of those toward guests: as many requests and answers as make sure of one,
# whichever of them the first is.
before=$(metric nfqnat_queue_wait_seconds_count)
# shellcheck disable=SC2016 # in the other shell
check wait_packets client bash -c 'exec 3<>"/dev/udp/$1/8080"; for i in {1..40}; do echo >&3; read -r -N 1 -t 5 -u 3 || exit 1; done' _ $HX4
check wait_in_the_metrics at_least "$(metric nfqnat_queue_wait_seconds_count)" "$((before + 1))"
check wait_sum at_least "$(metric nfqnat_queue_wait_seconds_sum)" 0.000001
stops wait_stop
finish
