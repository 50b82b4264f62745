# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What every runner says and counts. Sourced, from anywhere:
#   result ok NAME | result 'not ok' NAME [WHY] | result skip NAME REASON
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

result_done() {
	mkdir -p "$TOP/build/results"
	printf '%d %d %d\n' "$RESULT_PASSED" "$RESULT_FAILED" "$RESULT_SKIPPED" >"$TOP/build/results/$1"
	((RESULT_FAILED == 0))
}
