# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts here share. Sourced by each; brings lib.sh and matrix.sh of the netns tests.

NETNS_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../netns" && pwd)

# shellcheck source-path=SCRIPTDIR source=../../netns/lib.sh
. "$NETNS_TESTS/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../netns/matrix.sh
. "$NETNS_TESTS/matrix.sh"

# cannot NAME MODULE... - what this boot is about: these modules must not be there
cannot() {
	local m

	for m in "${@:2}"; do
		check "$1_$m" eval "! modprobe $m 2>/dev/null && ! lsmod_has $m"
	done
}
lsmod_has() {
	grep -q "^$1 " /proc/modules
}

# started_not NAME PATTERN <config - the daemon ends by itself with status 1, says PATTERN, and leaves nothing
started_not() {
	local status=hangs

	daemon_run -v
	if wait_for 15 gone "$DAEMON"; then
		wait "$DAEMON"
		status=$?
		DAEMON=
	fi
	same "$1_status" 1 "$status"
	check "$1_says_why" log_has "$2"
	result_note <"$LOG"
	check "$1_leaves_nothing" no_rules_of_ours
}

# our_table - as nft shows it; hooks by their numbers
our_table() {
	host nft -y list table inet nfqnat 2>/dev/null
}
no_table() { ! our_table; }

# other_tables - the rest of the ruleset
other_tables() {
	host nft list ruleset | awk '/^table inet nfqnat(-headers|-guard)? / { skip = 1 } !skip { print } /^}/ { skip = 0 }'
}
