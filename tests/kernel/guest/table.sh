#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of the nft backend: there while the daemon runs, replaced in one transaction, never in anybody's way.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

net_up
matrix_serve
# Somebody else's rules, with our chains' names and priorities. They also tell what reached the host's own ports.
host nft -f - <<-'END'
	table inet foreign {
		set ports { type inet_service; elements = { 4242 }; }
		chain prerouting { type filter hook prerouting priority -300; tcp dport @ports accept; }
		chain input {
			type filter hook input priority 0;
			udp dport 8080 counter comment "leaked"
			tcp dport 8080 counter comment "leaked"
		}
	}
	table ip nfqnat { chain prerouting { tcp dport 4243 accept; }; }
END
leaked() {
	host nft list chain inet foreign input | awk '/leaked/ { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) }
		END { print n + 0 }'
}
FOREIGN=$(other_tables)
foreign_untouched() { same "$1" "$FOREIGN" "$(other_tables)"; }

# ---- while it runs ----

more() {
	config_web
	echo "  - name: more
    to: [$G4, \"$G6\"]
    publish: [\"$1:80\"]"
}

daemon_start -v < <(more 9001)
check nft_auto_takes_nft log_has 'rules by nft$'
same nft_hooks_and_priorities 'prerouting -300
output -300
forward -150
postrouting -150
input -150' "$(our_table | sed -n 's/.*type filter hook \([a-z]*\) priority \(-*[0-9]*\);.*/\1 \2/p')"
check nft_new_flows_pass_the_firewall file_has <(our_table) 'ct state new.*queue'
foreign_untouched nft_foreign_untouched
matrix_external

# ---- SIGHUP: one transaction, and no packet gets between the old and the new rules ----

# `nft monitor` tells each transaction with its number. Tables that come and go mark the place in what it tells.
MONITOR=$DIR/monitor
mark() {
	host nft add table ip "$1"
	wait_for 10 file_has "$MONITOR" "add table ip $1\$" || return
	host nft delete table ip "$1"
	wait_for 10 file_has "$MONITOR" "delete table ip $1\$"
}
# transactions FROM TO - how many between the end of mark FROM and the begin of mark TO
transactions() {
	awk -v from="delete table ip $1" -v to="add table ip $2" '
		$0 == to { exit }
		counts && /new generation/ { n++ }
		$0 == from { counts = 1 }
		END { print n - 1 }	# the first one is the mark itself
	' "$MONITOR"
}
# logged_more PATTERN N - more than N times
logged_more() { (($(grep -cE "$1" "$LOG") > $2)); }
reload() {
	local n

	more "$1" >"$DIR/nfqnat.yaml"
	n=$(grep -c 'configuration reloaded' "$LOG")
	kill -HUP "$DAEMON"
	wait_for 10 logged_more 'configuration reloaded' "$n"
}
# It does not say when it listens.
listens() {
	host nft add table ip ready
	host nft delete table ip ready
	file_has "$MONITOR" ready
}
spawn host nft monitor >"$MONITOR"
MONITORING=$SPAWNED
wait_for 5 listens
check nft_monitor mark before
check nft_reload reload 9002
check nft_monitor_still mark after
# One adds what is new, one takes away what is gone; neither leaves a moment without rules. The guard's ports are the third.
same nft_reload_is_three_transactions 3 "$(transactions before after)"
end_pid "$MONITORING"
check nft_reload_new_port file_has <(our_table) 9002
check nft_reload_old_port eval '! our_table | grep -q 9001'
check nft_reload_works sees client tcp $HX4 9002 $C4 $G4 80

# New conversations without a pause, of which none may end at the host's own services.
flood() {
	while :; do
		echo x >"/dev/udp/$HX4/8080"
		echo x >"/dev/udp/$HX6/8080"
		read -rt 0.003 <>"$1"
	done 2>/dev/null
}
export -f flood
export HX4 HX6
mkfifo "$DIR/silence"
before=$(leaked)
spawn client bash -c "flood $DIR/silence"
flooder=$SPAWNED
many_reloads() {
	local i

	for i in {1..15}; do
		reload $((9100 + i)) || return
	done
}
check nft_many_reloads many_reloads
kill "$flooder"
wait "$flooder" 2>/dev/null
same nft_nothing_leaks_over_reloads "$before" "$(leaked)"
check nft_flood_was_forwarded logged_more 'flow .* new udp' 50
check nft_works_after_many_reloads sees client tcp $HX6 9115 $C6 $G6 80

# ---- a file that is wrong changes nothing ----

ONCE=$(our_table)
echo 'forwards: [ { to: nowhere } ]' >"$DIR/nfqnat.yaml"
kill -HUP "$DAEMON"
check nft_bad_reload_is_told wait_for 5 log_has 'running configuration stays'
same nft_bad_reload_changes_nothing "$ONCE" "$(our_table)"

# ---- the admin's own `nft flush ruleset`, as every restart of nftables.service does: a reload heals it ----

host nft delete table inet nfqnat
check nft_removed_by_admin_reload reload 9115
same nft_removed_by_admin_is_back "$ONCE" "$(our_table)"
foreign_untouched nft_foreign_untouched_by_reloads

# ---- kill -9: closed, and the next start replaces what is left ----

more 9115 >"$DIR/nfqnat.yaml"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
DAEMON=
same nft_stays_after_kill "$ONCE" "$(our_table)"
no_queue() { ! host grep -q . /proc/net/netfilter/nfnetlink_queue; }
wait_for 10 no_queue
check nft_closed_while_dead_v4 no_answer client tcp $HX4 8080
check nft_closed_while_dead_v6 no_answer client tcp $HX6 8080
check nft_closed_while_dead_udp no_answer client udp $HX4 8080
check nft_closed_while_dead_from_host no_answer host tcp 127.0.0.1 8080
daemon_again
daemon_ready || exit 1
same nft_replaced_by_next_start "$ONCE" "$(our_table)"
check nft_works_after_kill sees client tcp $HX6 8080 $C6 $G6 80
same nft_nothing_leaked "$before" "$(leaked)"

# ---- SIGTERM ----

stops nft_stop
check nft_gone_after_stop no_table
check nft_host_has_its_port_back sees client tcp $HX4 8080 $C4 $HX4 8080
# The counters have gone on meanwhile.
host nft reset counters table inet foreign >/dev/null 2>&1
without_counts() { sed 's/packets [0-9]* bytes [0-9]*//'; }
same nft_foreign_untouched_at_the_end "$(without_counts <<<"$FOREIGN")" "$(other_tables | without_counts)"
finish
