# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Waiting for a condition, never for a time. Sourced.

# A pipe that nobody writes to: who reads it with a limit of time pauses, and no process is made for it.
exec {WAIT_FD}<> <(:)

# look_at_clock - NOW_MS for deadlines, by a clock that nobody sets; now_ms prints it
look_at_clock() {
	local up

	read -r up _ </proc/uptime
	NOW_MS=${up/./}0
}
now_ms() {
	look_at_clock
	echo "$NOW_MS"
}

# wait_for SECONDS CMD... - until CMD succeeds; status 1 if it never did
# What has not come for long is looked for less often: on two CPUs others wait as well.
wait_for() {
	local begin limit=$(($1 * 1000)) pause

	shift
	look_at_clock
	begin=$NOW_MS
	until "$@" >/dev/null 2>&1; do
		look_at_clock
		((NOW_MS - begin < limit)) || return 1
		pause=$((20 + (NOW_MS - begin) / 8))
		printf -v pause '0.%03d' $((pause < 200 ? pause : 200))
		read -rt "$pause" -u "$WAIT_FD"	# between two looks, not instead of one
	done
	return 0	# not what read said
}

# since BEGIN MS - are MS milliseconds over since now_ms() said BEGIN? For what a test measures, not for luck
since() { (($(now_ms) - $1 >= $2)); }

alive() {
	local stat

	# A zombie has ended. The name, in parentheses, may have any character in it.
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } != [ZX]* ]]
}
gone() { ! alive "$1"; }
file_has() { grep -qE -- "$2" "$1"; }
