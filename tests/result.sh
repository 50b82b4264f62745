# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every runner says and counts. Sourced, from anywhere:
#   result ok NAME | result 'not ok' NAME [WHY] | result skip NAME REASON
#   check NAME CMD... | same NAME WANT GOT | skip NAME REASON     the same by what is seen; diagnose() is called after a failure
#   result_done RUNNER      writes build/results/RUNNER, status 1 if anything failed
# The file holds `passed failed skipped`; tests/sum adds all of them up.
# build/results.log gets every line: from it docs/rfc-compliance.md is made.

# What a test builds is built as a user would, not with the jobs of the make that runs the test.
unset MAKEFLAGS MFLAGS

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

# check NAME CMD... - ok if CMD succeeds; what it said is shown if not
check() {
	local name=$1 said
	shift

	if said=$("$@" 2>&1); then
		result ok "$name"
	else
		result 'not ok' "$name" "$*"
		[ -z "$said" ] || result_note <<<"$said"
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

result_done() {
	mkdir -p "$TOP/build/results"
	printf '%d %d %d\n' "$RESULT_PASSED" "$RESULT_FAILED" "$RESULT_SKIPPED" >"$TOP/build/results/$1"
	((RESULT_FAILED == 0))
}
