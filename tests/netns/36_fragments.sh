#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without conntrack nobody puts fragments together: they are translated one by one, in any order.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

without_conntrack
net_up
raw_neighbours
serve guest tcp:80:whoami udp:80:whoami udp:7:echo
serve guest2 udp:7:echo udp:99:echo
serve host udp:7:echo udp:99:echo
config() {
	config_web
	echo "  - name: echo
    to: [$G4, \"$G6\"]
    publish: [\"7:7/udp\"]
  - name: raw
    to: [192.168.122.60, \"fd00:122::60\"]
    publish: [\"$HY4:8080:80/udp\", \"[$HY6]:8080:80/udp\"]"
}
daemon_start -v < <(config)
check R1_no_conntrack_is_told log_has 'no conntrack in this kernel'
if log_has 'no match for fragments'; then
	skip R64_fragments "this kernel has no u32 match"
	finish
fi
check R1_no_conntrack_rule eval '! rules | grep -qE "ct state|ctstate"'

burst() { in_ns "$1" peer burst "${@:4}" -s "$3" "$2" 7; }
ping_of() { in_ns "$1" ping -n -c 2 -i 0.05 -W 5 -s "$3" "$2"; }
# ---- real senders: every piece in order ----
for v in 4 6; do
	hx=HX$v hx=${!hx}
	check R64_udp_fragments_v$v burst client "$hx" 1473:60000:9755
	check R71_udp_64_KiB_v$v burst client "$hx" $((v == 4 ? 65503 : 65483)):65503:64
	check R75_hairpin_other_guest_udp_fragments_v$v burst guest2 "$hx" 1473:20000:4900
	check R75_hairpin_same_guest_udp_fragments_v$v burst guest "$hx" 1473:20000:4900
	check R3_host_local_udp_fragments_v$v burst host "$hx" 1473:20000:4900
	check R64_icmp_fragments_v$v ping_of client "$hx" 20000
	check R75_hairpin_icmp_fragments_v$v ping_of guest2 "$hx" 5000
done
check R14_udp_fragments_without_checksum_v4 burst client $HX4 1473:9000:3001 -z

# A narrower path: the guest learns of it by the first answer that is lost (R62), then its own stack cuts.
host ip link set up0 mtu 1280
client ip link set eth0 mtu 1280
for a in $HX4 $HX6; do
	burst client $a 1300:1300:1 >/dev/null 2>&1
done
check R64_answers_cut_after_path_mtu_discovery_v4 burst client $HX4 1300:9000:1100
check R64_answers_cut_after_path_mtu_discovery_v6 burst client $HX6 1300:9000:1100
host ip link set up0 mtu 1500
client ip link set eth0 mtu 1500

# ---- what is not forwarded is not lost: the host's own datagrams, and guests' own ----
for v in 4 6; do
	hx=HX$v hx=${!hx}
	gg=GG$v gg=${!gg}
	check R30_own_service_in_pieces_v$v client peer burst -s 1473:9000:3000 "$hx" 99
	check R30_own_service_from_guest_in_pieces_v$v guest peer burst -s 1473:9000:3000 "$hx" 99
	check R12_guest_to_guest_in_pieces_v$v guest peer burst -s 1473:9000:3000 "$gg" 99
done

# ---- every order, packet by packet ----
adopt python3 "$HERE/raw_fragments.py" "$P-client" "$P-guest" "$(raw_mac up0)" "$(raw_mac virbr0)" "$LOG"

# R9: a worker that dies holds nothing that its successor could not get.
first=$(worker)
kill -KILL "$first"
check R88_new_worker wait_for 10 worker_is_not "$first"
check R88_fragments_after_it_v4 burst client $HX4 1473:20000:4900

kill -USR1 "$DAEMON"
check R91_waiting_is_counted wait_for 10 log_has 'held .*FRAGMENT_HELD'
check R91_overlaps_are_counted wait_for 10 log_has 'dropped .*FRAGMENT_OVERLAP'
stops R64_stop
check R64_nothing_is_left no_rules_of_ours
finish
