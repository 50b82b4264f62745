# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Waiting for a condition, never for a time. Sourced.

# now_ms - for deadlines; a clock that nobody sets
now_ms() {
	local up

	read -r up _ </proc/uptime
	echo "${up/./}0"
}

# wait_for SECONDS CMD... - until CMD succeeds; status 1 if it never did
wait_for() {
	local deadline=$(($(now_ms) + $1 * 1000))

	shift
	until "$@" >/dev/null 2>&1; do
		(($(now_ms) < deadline)) || return 1
		sleep 0.03	# between two looks, not instead of one
	done
}

# since BEGIN MS - are MS milliseconds over since now_ms() said BEGIN? For what a test measures, not for luck
since() { (($(now_ms) - $1 >= $2)); }

alive() {
	# A zombie has ended.
	[ -e "/proc/$1/stat" ] && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}
gone() { ! alive "$1"; }
file_has() { grep -qE -- "$2" "$1"; }
