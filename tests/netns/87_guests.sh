#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests as a watcher tells of them: forwards come and go, callers hear the right thing, a sick watcher does no harm.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80-81:whoami udp:80-81:whoami tcp:7000:whoami
serve guest2 tcp:80:whoami udp:80:whoami
serve host tcp:8080:whoami udp:8080:whoami	# the host's own service on the same port: must never answer

# shellcheck source-path=SCRIPTDIR source=guests.sh
. "$(dirname "$0")/guests.sh"

config() {
	config_head
	cat <<-END
		  - guest: web1
		    publish: ["8080:80", "8080:80/udp", "8082:81", icmp]
		  - guest: web2
		    when-off: drop
		    publish: "8090:80"
		  - guest: "web*"
		    network: default
		    publish: ["20000+10:80", "20000+10:80/udp"]
		  - guest: later
		    when-off: hold 60s
		    publish: "8095:80"
	END
}

# refused_4_6 NS PROTO PORT - on both addresses of the host
refused_4_6() { refused "$1" "$2" $HX4 "$3" && refused "$1" "$2" $HX6 "$3"; }
held() { ! answer "$@" | grep -qE 'refused|unreachable' && no_answer "$@"; }

# was_reset NAME - the conversation ended with a RST
was_reset() {
	wait_for 30 gone "${HELD_PID[$1]}" && grep -q 'error ECONNRESET' "$DIR/hold.$1" && return
	cat "$DIR/hold.$1"
	return 1
}

ctl_shows() { ctl status | grep -qE "$1"; }

# measured WHAT CMD... - how long after the watcher's word until CMD succeeds: printed, not judged
measured() {
	local start end

	start=$(date +%s%N)
	wait_for 10 "${@:2}" || return 1
	end=$(date +%s%N)
	echo "$(((end - start) / 1000000)) ms from the watcher's word to $1" | result_note
}

daemon_start -v < <(config)

# ---- no word from libvirt yet: callers are held, then refused ----
check guests_configure_is_told wait_for 10 grep -q '"type":"configure".*qemu:///system' "$FAKE_VIRT/told"
check guests_held_before_first_world held client tcp $HX4 8080
check guests_log_waiting log_has 'forward web1: libvirt has not answered yet'

# ---- off: never the host's own service ----
world "$(web1 off)"
check guests_log_off wait_for 5 log_has 'forward web1: guest web1, the guest is off'
for f in 4 6; do
	h=HX$f
	check guests_off_tcp_is_reset_v$f refused client tcp ${!h} 8080
	check guests_off_udp_is_unreachable_v$f refused client udp ${!h} 8080
	check guests_off_local_tcp_v$f refused host tcp ${!h} 8080
	check guests_off_local_udp_v$f refused host udp ${!h} 8080
	check guests_unknown_drops_v$f held client tcp ${!h} 8090
	check guests_hold_v$f held client tcp ${!h} 8095
done
check guests_off_loopback refused host tcp 127.0.0.1 8080
check guests_off_loopback6 refused host tcp ::1 8080
check guests_off_from_another_guest refused guest2 tcp $B4 8080
check guests_off_ping bash -c "! nsenter --net=/run/netns/$P-client ping -c1 -W2 $HX4 | grep -q ' 0% packet loss'"

# ---- it comes ----
world "$(web1)"
measured "the first forwarded answer, rules included" sees client tcp $HX4 8080 $C4 $G4 80
check guests_first_answer_v4 sees client tcp $HX4 8080 $C4 $G4 80
check guests_first_answer_v6 wait_for 10 sees client tcp $HX6 8080 $C6 $G6 80
check guests_first_answer_udp sees client udp $HX4 8080 $C4 $G4 80
check guests_log_active log_has 'forward web1: guest web1, IPv4 active at 192\.168\.122\.50 \(lease\), IPv6 active at fd00:122::50 \(neighbour\)'
check guests_from_the_host sees host tcp $HX4 8080 $HX4 $G4 80
hold kept client $HX4 8080 -t 60000
check guests_connected heard kept '^tcp '

# ---- a caller who waits for a guest to come ----
LATER=$(guest_json later 33333333-3333-4333-8333-333333333333 running 1 "$WEB2")
hold waits client $HX4 8095 -t 60000
check guests_hold_counts wait_for 5 ctl_shows 'drop +its guest is not there yet'
world "$(web1),$LATER"
check guests_hold_is_answered_when_it_comes wait_for 30 file_has "$DIR/hold.waits" "^tcp $C4 [0-9]* $GG4 80"
world "$(web1)"
check guests_hold_came_and_went was_reset waits

# ---- nothing different, nothing happens ----
n=$(grep -c 'routes or devices changed' "$LOG")
world "$(web1)"
world "$(web1)"
check guests_same_world_same_flows say kept "after two worlds"
same guests_same_world_no_swap "$n" "$(grep -c 'routes or devices changed' "$LOG")"

# ---- suspended: the flow waits ----
world "$(web1 paused)"
check guests_log_suspended wait_for 5 log_has 'IPv4 active, the guest is suspended at'
check guests_suspended_flow_goes_on say kept "while it is suspended"
kill -USR1 "$DAEMON"
check guests_suspended_timer_stands wait_for 5 log_has 'ESTABLISHED frozen [0-9]+ s left forward web1'
check guests_report_lists_forwards log_has 'forward web2: libvirt has no such guest'
world "$(web1)"
check guests_resumed wait_for 5 grep -c 'active at 192.168.122.50' "$LOG"

# ---- another life: both sides are told, one that has not acknowledged yet what it received, too ----
ack_is_lost() { client iptables -w -nvxL OUTPUT | grep -q ' 1 .* quota'; }
client iptables -w -A OUTPUT -p tcp --dport 8080 -m length --length 52 -m quota --quota 52 -j DROP
check guests_resumed_flow say kept "after it"
check guests_ack_is_lost wait_for 5 ack_is_lost
world "$(web1 running 2)"
check guests_restored_ends_flows was_reset kept
check guests_restored_forwards wait_for 5 sees client tcp $HX4 8080 $C4 $G4 80

# ---- two guests, blocks, another address ----
world "$(web1 running 2),$(web2)"
check guests_second wait_for 10 sees client tcp $HX4 8090 $C4 $GG4 80
check guests_in_status ctl_shows 'forward web2: guest web2, ports 20010-20019, IPv4 active at 192\.168\.122\.51 \(lease\)'
check guests_in_status_json bash -c "'$BUILD/nfqnatctl' --socket '$DIR/control.sock' --json status | grep -q '\"reason\":\"UNKNOWN\"'"
check guests_block_of_the_first sees client tcp $HX4 20000 $C4 $G4 80
check guests_block_of_the_second_udp sees client udp $HX6 20010 $C6 $GG6 80
check guests_block_guest_port sees client tcp $HX4 20001 $C4 $G4 81
check guests_blocks_are_written grep -q "20000+10 1 $U2" "$STATE_DIRECTORY/blocks"
world "$(web1 running 2 "$(address $GG4 lease)"),$(web2 running 1 "$(address $G4 lease)")"
check guests_swapped_addresses wait_for 10 sees client tcp $HX4 8080 $C4 $GG4 80
check guests_swapped_addresses_2 wait_for 10 sees client tcp $HX4 8090 $C4 $G4 80
check guests_without_ipv6_is_not_the_hosts refused client tcp $HX6 8080

# ---- what is not its own ----
world "$(web1 running 2 "$(address $GG4 neighbour)"),$(web2)"
check guests_anothers_address wait_for 5 log_has "address refused: it is another guest's: $GG4"
check guests_anothers_address_keeps_it wait_for 5 sees client tcp $HX4 8090 $C4 $GG4 80
check guests_anothers_address_is_refused wait_for 5 refused client tcp $HX4 8080
world "$(web1 running 2 "$(address $B4 neighbour)"),$(web2)"
check guests_hosts_address wait_for 5 log_has "address refused: it is this host's own: $B4"
world "$(web1 running 2 "$(address 198.51.100.2 lease)"),$(web2)"
check guests_foreign_address wait_for 5 log_has "address refused: it is not of its network: 198.51.100.2"

# ---- metadata ----
META='{"proto":"tcp","address":null,"dev":null,"ranges":[{"start":2222,"end":null,"to":7000,"exclude":false},{"start":22,"end":null,"to":null,"exclude":false},{"start":8080,"end":null,"to":80,"exclude":false}]}'
world "$(web1 running 2 "$WEB1" "$META" '"range start x is no port; write 1 to 65535"'),$(web2)"
check guests_metadata wait_for 10 sees client tcp $HX4 2222 $C4 $G4 7000
check guests_metadata_limits log_has 'forward web1 \(metadata\).* 2 left out: forwarded already, 1 left out: outside metadata-ports'
check guests_metadata_warning log_has 'guest web1: range start x is no port'
world "$(web1 running 2),$(web2)"
check guests_metadata_port_is_free wait_for 10 refused client tcp $HX4 2222

# ---- a network that must not be forwarded into ----
world "$(web1 running 2),$(web2)" isolated
check guests_isolated wait_for 5 log_has 'forward web1: guest web1, its network is isolated'
check guests_isolated_refused wait_for 5 refused_4_6 client tcp 8080
world "$(web1 running 2),$(web2)" bridge
check guests_bridge wait_for 5 log_has 'forward web1: guest web1, it is on a bridge'
lines=$(wc -l <"$LOG")
world "$(web1 running 2),$(web2)"
check guests_again wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80
world "$(web1 running 2),$(web2)" hostdev
says_since() { tail -n "+$1" "$LOG" | grep -qE "$2"; }
check guests_hostdev wait_for 5 says_since "$lines" 'forward web1: guest web1, it is on a bridge or device of the LAN'
check guests_hostdev_in_status ctl_shows 'forward web1: guest web1, it is on a bridge or device of the LAN.*source: host'
check guests_hostdev_refused wait_for 5 refused_4_6 client tcp 8080
world "$(web1 running 2),$(web2)"
check guests_again wait_for 10 sees client tcp $HX4 8080 $C4 $G4 80

# ---- a sick watcher ----
hold kept2 client $HX4 8080 -t 90000
check guests_connected2 heard kept2 '^tcp '
n=$(starts)
tell EXIT
check watcher_ends_and_comes_again wait_for 10 started_again "$n"
check watcher_end_is_named log_has 'libvirt watcher [0-9]+ ended with status 3'
check watcher_end_disturbs_nobody say kept2 "after its end"
tell '{"type":"world","guests":3}'
check watcher_nonsense_is_named wait_for 5 log_has 'said what cannot be used, connections: is missing; the last word stays'
tell 'no json at all'
check watcher_no_json wait_for 5 log_has 'the message is no JSON object'
check watcher_nonsense_disturbs_nobody say kept2 "after nonsense"
n=$(starts)
kill -KILL "$(last_pid)"
check watcher_killed_comes_again wait_for 10 started_again "$n"
check watcher_killed_new_flows sees client tcp $HX4 8080 $C4 $G4 80
n=$(starts)
tell HANG
check watcher_silent_is_replaced wait_for 40 started_again "$n"
check watcher_silent_is_named log_has 'has said nothing for 20 s'
check watcher_silent_disturbs_nobody say kept2 "after its silence"
world "$(web1 running 2),$(web2)" nat false
check libvirt_down_is_named wait_for 5 log_has 'libvirt: qemu:///system does not answer: gone'
check libvirt_down_disturbs_nobody say kept2 "without libvirt"

# ---- reload: other forwards, same guests ----
config | sed 's/8082:81/8083:81/' >"$DIR/next.yaml"
mv "$DIR/next.yaml" "$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check guests_reload wait_for 10 sees client tcp $HX4 8083 $C4 $G4 81
check guests_reload_disturbs_nobody say kept2 "after a reload"

# ---- news and a file that is no good, both while a change is under way: the news count ----
worker=$(worker)
kill -STOP "$worker"
world "$(web1 running 2),$(web2 off)"
check news_change_begins wait_for 5 log_has 'forward web2: guest web2, the guest is off'
cp "$DIR/nfqnat.yaml" "$DIR/good.yaml"
echo 'forwards: [' >"$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check news_daemon_answers ctl status
world "$(web1 running 2),$(guest_json web2 $U2 running 1 "$WEB2" "" '"it is news"')"
check news_are_heard wait_for 5 log_has 'guest web2: it is news'
kill -CONT "$worker"
check news_bad_file_is_refused wait_for 10 log_has 'nfqnat.yaml was not taken over'
check news_count wait_for 10 sees client tcp $HX4 8090 $C4 $GG4 80
mv "$DIR/good.yaml" "$DIR/nfqnat.yaml"

# ---- off again: flows end on both sides, and how soon the port refuses ----
pid=$(last_pid)
# What tells one of the callers is lost, RST and probe: he is told again a second later.
hold kept3 client $HX4 8080 -t 90000
check guests_connected3 heard kept3 '^tcp '
client iptables -w -A INPUT -p tcp --dport "$(awk '/^tcp / { print $3; exit }' "$DIR/hold.kept3")" -m length --length 40 -m quota --quota 80 -j DROP
both_are_lost() { client iptables -w -nvxL INPUT | grep -q ' 2 .* quota'; }
world "$(web1 off 2),$(web2)"
measured "the first refusal" refused client tcp $HX4 8080
check guests_off_ends_flows was_reset kept2
check guests_lost_reset_is_told_again was_reset kept3
check guests_both_were_lost both_are_lost
check guests_off_again refused client tcp $HX4 8080

stops guests_stop
check watcher_is_ended wait_for 5 gone "$pid"
check guests_rules_gone no_rules_of_ours

# ---- the blocks are the same after a restart, though the other guest comes first ----
world_kept=$(cat "$FAKE_VIRT/world")
rm "$FAKE_VIRT/world"
daemon_again -v
daemon_ready || exit 1
world "$(web2)"
check guests_block_after_restart wait_for 10 sees client tcp $HX4 20010 $C4 $GG4 80
[ -n "$world_kept" ]
finish
