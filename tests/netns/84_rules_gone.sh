#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of ours that others remove come back within a second, and no connection ends meanwhile: quiet ones and busy ones.

. "$(dirname "$0")/lib.sh"

# How busy; an emulated machine cannot take as much.
TCP=${BUSY_TCP:-60} UDP=${BUSY_UDP:-20} MS=${BUSY_MS:-40}
ONLY=${STEERING:-any}	# tests/kernel is about nft

net_up
crowd_serve
serve guest tcp:80:whoami
serve host tcp:8080:whoami
config() {
	config_head
	echo "  - name: web
    to: [$G4, \"$G6\"]
    publish: [\"7\", \"7/udp\", \"8080:80\"]"
}

restored() { grep -c 'rules are back' "$LOG"; }
restored_more() { (($(restored) > $1)); }

# as_host CMD... - a program in the host, or a function of ours
as_host() { if [ "$(type -t "$1")" = function ]; then "$@"; else host "$@"; fi; }
# gone NAME CMD... - somebody runs CMD; the rules are there again, all of them, within a second
gone_and_back() {
	local name=$1 before was ms
	shift

	before=$(restored) was=$(rules_of_ours | sort)
	ms=$(now_ms)
	as_host "$@" || {
		result 'not ok' "$name" "$* cannot be run"
		return
	}
	# Every line is needed: a rule that is missing or doubled would be as bad.
	if wait_for 10 restored_more "$before" && [ "$(rules_of_ours | sort)" = "$was" ]; then
		ms=$(($(now_ms) - ms))
		result ok "$name"
		echo "# back after $ms ms"
	else
		result 'not ok' "$name" "$*"
		diff <(echo "$was") <(rules_of_ours | sort) | result_note
		diagnose
	fi
}

# busy_start - conversations that never rest, over both families; busy_end NAME - all of them are alive and no octet was wrong
busy_start() {
	local f addr

	for f in 4 6; do
		[ $f = 4 ] && addr=$HX4 || addr=$HX6
		spawn client crowd ask -t "$TCP" -u "$UDP" -i "$MS" $addr 7 >"$DIR/busy$f"
		BUSY[f]=$SPAWNED
		wait_for 60 grep -q talking "$DIR/busy$f" || result 'not ok' "$SUITE" "the busy ones do not talk"
	done
}
busy_end() {
	local f

	for f in 4 6; do
		kill -TERM "${BUSY[f]}"
		wait "${BUSY[f]}"
		check "$1_no_connection_ended_v$f" grep "^tcp $TCP of $TCP, wrong 0, udp $UDP of $UDP" "$DIR/busy$f"
		tail -n 1 "$DIR/busy$f" | result_note
	done
}
BUSY=()

# whole_set TOOL - as a firewall that loads all it has anew: ours are not in it
whole_set() { printf '*%s\nCOMMIT\n' raw mangle filter | host "$1-restore"; }

# A rule of ours becomes another: there are as many as before.
change_a_rule() {
	local handle

	case $1 in
	nft)
		handle=$(host nft -a list chain inet nfqnat prerouting | sed -n 's/.* queue .*# handle //p' | head -n 1)
		host nft replace rule inet nfqnat prerouting handle "$handle" counter ;;
	*) host "$1" -t raw -R nfqnat-pre 1 -j RETURN ;;
	esac
}
changed_and_back() {
	local was

	was=$(rules_of_ours | sort)
	change_a_rule "$1"
	check "$1_a_rule_is_changed" differ "$was" "$(rules_of_ours | sort)"
	kill -HUP "$DAEMON"
	check "$1_changed_rule_comes_back_by_reload" wait_for 10 rules_are "$was"
}
differ() { [ "$1" != "$2" ]; }
rules_are() { [ "$(rules_of_ours | sort)" = "$1" ]; }

# backend STEERING CLEAR_ALL...
suite() {
	local before

	[ "$ONLY" = any ] || [ "$ONLY" = "$1" ] || return
	STEERING=$1
	daemon_start -v < <(config)
	hold quiet client $HX4 7
	check "$1_flow" say quiet before
	busy_start
	case $1 in
	nft)
		gone_and_back "$1_flush_ruleset" nft flush ruleset
		gone_and_back "$1_delete_table" nft delete table inet nfqnat
		gone_and_back "$1_flush_chain" nft flush chain inet nfqnat prerouting ;;
	*)
		gone_and_back "$1_F" "$1" -t raw -F
		gone_and_back "$1_F_PREROUTING" "$1" -t raw -F PREROUTING
		gone_and_back "$1_mangle_F" "$1" -t mangle -F
		gone_and_back "$1_v6_F" "${1/ip/ip6}" -t raw -F
		gone_and_back "$1_whole_set" whole_set "$1"
		gone_and_back "$1_v6_whole_set" whole_set "${1/ip/ip6}"
		[ "$1" = iptables-legacy ] || gone_and_back "$1_flush_ruleset" nft flush ruleset ;;
	esac
	busy_end "$1"
	check "$1_flow_goes_on" say quiet after
	check "$1_new_flow" sees client tcp $HX4 8080 $C4 $G4 80
	hang_up quiet
	# Our own changes, and those of others that leave ours alone, are not taken for a loss.
	before=$(restored)
	kill -HUP "$DAEMON"
	wait_for 10 log_has 'reloaded'
	host nft add table inet other && host nft delete table inet other
	check "$1_reload_is_done" sees client tcp $HX6 8080 $C6 $G6 80
	same "$1_nothing_was_put_back_in_vain" "$before" "$(restored)"
	# Of legacy tables the kernel tells nobody.
	[ "$1" = iptables-legacy ] || changed_and_back "$1"
	stops "$1_stops"
}

suite iptables-nft
suite iptables-legacy
if host nft add table inet probe && host nft 'add chain inet probe c { type filter hook input priority 0; }' &&
	host nft add rule inet probe c tcp dport 1 queue num 9 2>/dev/null; then
	host nft delete table inet probe
	suite nft
else
	host nft delete table inet probe
	skip nft_rules_gone "this kernel's nft cannot queue (check-kernel has one that can)"
fi
finish
