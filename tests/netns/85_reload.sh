#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGHUP: what is new works, what stays is not disturbed, what is gone is ended on both sides.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80-83:whoami udp:80-83:whoami
serve guest2 tcp:80:whoami udp:80:whoami

# config TARGET4 TARGET6 PORT... - one forward "kept" to the target, and one for each PORT:PORT
config() {
	local p

	config_head
	echo "  - name: kept
    to: [$1, \"$2\"]
    publish: [\"8080:80\", \"8080:80/udp\"]"
	for p in "${@:3}"; do
		echo "  - name: port-${p%%:*}
    to: [$G4, \"$G6\"]
    publish: [\"$p\", \"$p/udp\"]"
	done
}
reload() {
	config "$@" >"$DIR/next.yaml"
	mv "$DIR/next.yaml" "$DIR/nfqnat.yaml"	# never half a file
	kill -HUP "$DAEMON"
}
# flows_to PORT - how many flows the log tells of
flows_to() {
	grep -cE "flow [0-9]+ new tcp.*:$1 =>" "$LOG"
}

daemon_start -v < <(config $G4 $G6 8090:81)
hold kept4 client $HX4 8080
hold kept6 client $HX6 8080
hold gone4 client $HX4 8090
hold gone6 client $HX6 8090
for c in kept4 kept6 gone4 gone6; do
	check "reload_connected_$c" heard $c '^tcp '
done

# ---- one more forward ----
check reload_not_there_yet refused client tcp $HX4 8100
reload $G4 $G6 8090:81 8100:82
check R87_added_forward_v4 wait_for 5 sees client tcp $HX4 8100 $C4 $G4 82
check R87_added_forward_v6 wait_for 5 sees client tcp $HX6 8100 $C6 $G6 82
check R87_added_forward_udp sees client udp $HX4 8100 $C4 $G4 82
for c in kept4 kept6 gone4 gone6; do
	check "R87_established_over_reload_$c" say $c "after a reload"
done
same R87_flows_kept_over_reload 2 "$(flows_to 8080)"

# ---- a file that is wrong ----
echo 'forwards: [ { to: 1.2.3, publish: ["99999"], colour: green } ]' >"$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check reload_bad_file_is_named wait_for 5 log_has 'nfqnat\.yaml:[0-9]+'
check reload_bad_file_changes_nothing_v4 sees client tcp $HX4 8100 $C4 $G4 82
check reload_bad_file_changes_nothing_v6 sees client tcp $HX6 8080 $C6 $G6 80
check reload_bad_file_flows_go_on say kept4 "after a bad file"
rm -f "$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check reload_missing_file_is_named wait_for 5 log_has 'nfqnat\.yaml.*(No such file|cannot|not)'
check reload_missing_file_flows_go_on say kept6 "after a missing file"
check reload_missing_file_changes_nothing sees client tcp $HX4 8080 $C4 $G4 80

# ---- a forward is gone ----
established() {
	guest ss -Htn state established sport = :81 | grep -q .
}
not_established() { ! established; }
check reload_guest_has_connections established
reload $G4 $G6 8100:82
# A reset, and not the end of an orderly conversation.
was_reset() {
	wait_for 5 gone "${HELD_PID[$1]}" && grep -q 'error ECONNRESET' "$DIR/hold.$1" && return
	cat "$DIR/hold.$1"
	return 1
}
check R87_removed_forward_resets_client_v4 was_reset gone4
check R87_removed_forward_resets_client_v6 was_reset gone6
check R87_removed_forward_resets_guest wait_for 5 not_established
check R87_removed_forward_is_the_hosts_v4 refused client tcp $HX4 8090
check R87_removed_forward_is_the_hosts_v6 refused client tcp $HX6 8090
check R87_removed_forward_is_the_hosts_udp refused client udp $HX4 8090
check R87_others_go_on_v4 say kept4 "after a removal"
check R87_others_go_on_v6 say kept6 "after a removal"

# ---- a target moves: nothing old may reach the wrong guest ----
reload $GG4 $GG6 8100:82
check R87_moved_target_resets_client_v4 was_reset kept4
check R87_moved_target_resets_client_v6 was_reset kept6
check R87_moved_target_v4 wait_for 5 sees client tcp $HX4 8080 $C4 $GG4 80
check R87_moved_target_v6 wait_for 5 sees client tcp $HX6 8080 $C6 $GG6 80
check R87_moved_target_udp_v4 sees client udp $HX4 8080 $C4 $GG4 80
check R87_moved_target_udp_v6 sees client udp $HX6 8080 $C6 $GG6 80

# ---- in quick succession ----
hold last client $HX4 8100
check reload_connected_last heard last '^tcp '
for i in {1..20}; do
	reload $GG4 $GG6 8100:82 $((8200 + i)):83
done
check R87_twenty_reloads wait_for 5 sees client tcp $HX4 8220 $C4 $G4 83
check R87_twenty_reloads_flow_goes_on say last "after twenty"
check R87_only_the_last_counts refused client tcp $HX4 8219
stops reload_stop
check reload_rules_gone no_rules_of_ours
finish
