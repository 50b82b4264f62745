# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every runner says and counts. Sourced, from anywhere:
#   result ok NAME | result 'not ok' NAME [WHY] | result skip NAME REASON
#   check NAME CMD... | same NAME WANT GOT | skip NAME REASON     the same by what is seen; diagnose() is called after a failure
#   at_once CMD ITEM...     CMD ITEM for each item, in the background, one on each CPU
#   result_done RUNNER      writes build/results/RUNNER, status 1 if anything failed
# The file holds `passed failed skipped`; tests/sum adds all of them up.
# build/results.log gets every line: from it docs/rfc-compliance.md is made.

# The caller's environment is not ours: what a test builds is built as a user would, not with the jobs of the make that
# runs the test; messages and orders are of one language, files can be read by users without privilege, and what a
# service manager told its child (a CI runner may be one) is not for the daemons under test.
unset MAKEFLAGS MFLAGS CDPATH NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID JOURNAL_STREAM LISTEN_PID LISTEN_FDS LISTEN_FDNAMES \
	STATE_DIRECTORY NFQNAT_SOCKET NFQNAT_VIRT NO_COLOR COLUMNS LINES
export LC_ALL=C.UTF-8
umask 022
# Debian's programs, which ./deps installs, before the user's own: his python3 may be a script that starts four others.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
# Sockets are made there, whose names have 107 octets, and the configuration names them.
[[ ${TMPDIR:-/tmp} =~ ^/[A-Za-z0-9/._-]{1,40}$ ]] || unset TMPDIR

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RESULT_PASSED=0 RESULT_FAILED=0 RESULT_SKIPPED=0

result() {
	local what=$1 name=$2 why=${3:-}

	case $what in
	ok)	RESULT_PASSED=$((RESULT_PASSED + 1)) ;;
	skip)	RESULT_SKIPPED=$((RESULT_SKIPPED + 1)) ;;
	*)	RESULT_FAILED=$((RESULT_FAILED + 1)) ;;
	esac
	printf '%s %s%s\n' "$what" "$name" "${why:+: $why}"
	printf '%s %s%s\n' "$what" "$name" "${why:+: $why}" >>"$TOP/build/results.log"
}

# result_note - more about the result before: read from stdin, kept apart from result lines by a `#`
result_note() {
	sed 's/^/# /'
}

# diagnose - what one needs to know after a failure; a suite has its own
diagnose() {
	:
}

# check NAME CMD... - ok if CMD succeeds; what it said last is shown if not
check() {
	local name=$1 said
	shift

	if said=$("$@" 2>&1); then
		result ok "$name"
	else
		result 'not ok' "$name" "$*"
		[ -z "$said" ] || tail -n 60 <<<"$said" | result_note
		diagnose
		return 1
	fi
}

# same NAME WANT GOT
same() {
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		printf 'want: %s\ngot:  %s\n' "$2" "$3" | result_note
		diagnose
		return 1
	fi
}

skip() {
	result skip "$1" "$2"
}

at_once() {
	local cmd=$1 item

	shift
	for item; do
		while (($(jobs -rp | wc -l) >= $(nproc))); do
			wait -n
		done
		"$cmd" "$item" &
	done
	wait
}

result_done() {
	mkdir -p "$TOP/build/results"
	printf '%d %d %d\n' "$RESULT_PASSED" "$RESULT_FAILED" "$RESULT_SKIPPED" >"$TOP/build/results/$1"
	((RESULT_FAILED == 0))
}
