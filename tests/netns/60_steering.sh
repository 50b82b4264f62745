#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each backend of steering rules works, leaves nothing behind and touches nobody else's rules.

# shellcheck disable=SC2034 # the words in capitals are for lib.sh and matrix.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/matrix.sh"

net_up
matrix_serve

# Rules of somebody else, in every table we use, of both flavours: they must be there afterwards, unchanged.
for f in legacy nft; do
	can_iptables $f || continue
	for i in iptables ip6tables; do
		for t in raw mangle filter; do
			host $i-$f -w -t $t -N foreign
			host $i-$f -w -t $t -A foreign -p tcp --dport 4242 -m comment --comment "not ours, nfq" -j ACCEPT
			host $i-$f -w -t $t -A OUTPUT -j foreign
		done
	done
done
FOREIGN=$(rules)

one_set() {
	[ "$(rules | sort)" = "$(sort <<<"$ONCE")" ] && return
	diff <(sort <<<"$ONCE") <(rules | sort)
	return 1
}

backend() {
	STEERING=$1 SUFFIX=_$1
	daemon_start -v < <(config_web)
	matrix_external
	check "R3_loopback_tcp_v4$SUFFIX" sees host tcp 127.0.0.1 8080 $B4 $G4 80
	check "R3_loopback_tcp_v6$SUFFIX" sees host tcp ::1 8080 $B6 $G6 80
	check "R75_hairpin_other_guest_tcp_v4$SUFFIX" sees guest2 tcp $HX4 8080 $HX4 $G4 80
	check "R75_hairpin_other_guest_tcp_v6$SUFFIX" sees guest2 tcp $HX6 8080 $HX6 $G6 80
	check "rules_are_there$SUFFIX" rules_of_ours
	ONCE=$(rules)

	# Rules are only ours by name, and only where they are announced.
	same "rules_none_in_nat$SUFFIX" '' "$(rules | grep -E '^[a-z0-9]+-(legacy|nft) nat ')"

	# kill -9 leaves the rules (fail closed): a forwarded port does not fall to the host's own service.
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	check "R9_rules_stay_after_kill$SUFFIX" rules_of_ours
	wait_for 10 no_queue
	check "R9_closed_while_dead_v4$SUFFIX" no_answer client tcp $HX4 8080
	check "R9_closed_while_dead_v6$SUFFIX" no_answer client tcp $HX6 8080
	daemon_again
	daemon_ready || return
	check "rules_exactly_once_after_kill$SUFFIX" one_set
	check "R88_works_after_kill$SUFFIX" sees client tcp $HX4 8080 $C4 $G4 80

	stops "stop_status$SUFFIX"
	same "rules_foreign_untouched$SUFFIX" "$FOREIGN" "$(rules)"
	check "R30_host_has_its_port_back_v4$SUFFIX" sees client tcp $HX4 8080 $C4 $HX4 8080
	check "R30_host_has_its_port_back_v6$SUFFIX" sees client tcp $HX6 8080 $C6 $HX6 8080
	daemon_again
	daemon_ready || return
	check "rules_exactly_once_after_restart$SUFFIX" one_set
	stops "stop_again$SUFFIX"
	same "rules_gone$SUFFIX" "$FOREIGN" "$(rules)"
}

for f in legacy nft; do
	if can_iptables $f; then
		backend iptables-$f
	else
		skip "backend_iptables-$f" "iptables-$f cannot queue here"
	fi
done
if can_nft_queue; then
	backend nft
else
	skip backend_nft "this kernel has no nft queue (CONFIG_NFT_QUEUE)"
	config_nft() { STEERING=nft config_web; }
	daemon_run -v < <(config_nft)
	check backend_nft_refuses_clearly wait_for 10 gone "$DAEMON"
	check backend_nft_says_why log_has 'nft'
	DAEMON=
	same backend_nft_left_nothing "$FOREIGN" "$(rules)"
fi
backend auto
backend iptables

# fail: open - once nobody answers the queue, the port is the host's own again, untranslated.
FAIL=open STEERING=auto
daemon_start -v < <(config_web)
check fail_open_translates sees client tcp $HX4 8080 $C4 $G4 80
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
DAEMON=
wait_for 10 no_queue
check fail_open_reaches_the_host_v4 sees client tcp $HX4 8080 $C4 $HX4 8080
check fail_open_reaches_the_host_v6 sees client tcp $HX6 8080 $C6 $HX6 8080
finish
