#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot work at start is told in one clear line, with status 1, and leaves nothing behind.

. "$(dirname "$0")/lib.sh"

net_up
serve guest tcp:80:whoami

# fails NAME PATTERN LINES CMD... - ends with status STATUS (1) and says PATTERN, in LINES lines at most
fails() {
	local name=$1 pattern=$2 lines=$3 said status

	said=$(timeout 15 nsenter --net="/run/netns/$P-host" "${@:4}" 2>&1 >/dev/null)
	status=$?
	if [ $status = "${STATUS:-1}" ] && grep -qiE -- "$pattern" <<<"$said" && (($(wc -l <<<"$said") <= lines)); then
		result ok "$name"
	else
		result 'not ok' "$name" "status $status, want ${STATUS:-1}; /$pattern/ in at most $lines lines"
		result_note <<<"$said"
	fi
}
clean() {
	same "$1_leaves_nothing" '' "$(rules)"
}

config_web >"$DIR/good.yaml"

fails error_no_such_file "none\\.yaml.*(No such file|cannot|not)" 1 "$NFQNATD" --config "$DIR/none.yaml"
clean error_no_such_file

printf 'forwards:\n  - to: [%s]\n    publish: ["8080:80"]\n  - to: [%s]\n    publish: ["8000-8100:80-180"]\n' \
	$G4 $GG4 >"$DIR/twice.yaml"
fails error_port_twice 'twice\.yaml:[0-9]+.*8080' 1 "$NFQNATD" --config "$DIR/twice.yaml"
clean error_port_twice
fails error_port_twice_check 'twice\.yaml:[0-9]+.*8080' 1 "$NFQNATD" --check --config "$DIR/twice.yaml"

printf 'forwards: [\n' >"$DIR/broken.yaml"
fails error_not_yaml 'broken\.yaml:[0-9]+' 1 "$NFQNATD" --config "$DIR/broken.yaml"
printf 'forward:\n  - to: [%s]\n' $G4 >"$DIR/key.yaml"
fails error_unknown_key 'key\.yaml:[0-9]+.*forward' 2 "$NFQNATD" --config "$DIR/key.yaml"
# A wrong command line is not a wrong configuration.
STATUS=2 fails error_unknown_option 'colour|usage' 20 "$NFQNATD" --colour
clean error_config

fails error_no_cap_net_admin 'NET_ADMIN|permi|root|privil' 1 \
	setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$NFQNATD" --config "$DIR/good.yaml"
clean error_no_cap_net_admin
# --check needs no privilege at all.
chmod 755 "$DIR"
if host setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$NFQNATD"; then
	check error_check_as_nobody host setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$NFQNATD" --check --config "$DIR/good.yaml"
else
	skip error_check_as_nobody "nobody cannot reach $NFQNATD"
fi

# A second daemon: the first keeps its rules and its work.
daemon_start -v < <(config_web)
first=$(rules)
fails error_second_daemon 'queue' 1 "$NFQNATD" --config "$DIR/good.yaml"
same error_second_daemon_touches_nothing "$first" "$(rules)"
check error_first_daemon_works_on sees client tcp $HX4 8080 $C4 $G4 80
stops error_stop
clean error_all

# Signals at odd times: right after the start, and twice.
early() {
	daemon_again
	kill -TERM "$DAEMON"
	wait_for 10 gone "$DAEMON" || return
	DAEMON=
	no_rules_of_ours
}
check stop_right_after_start early
twice() {
	daemon_again
	daemon_ready || return
	kill -TERM "$DAEMON"
	kill -INT "$DAEMON" 2>/dev/null
	wait_for 10 gone "$DAEMON" || return
	no_rules_of_ours
}
check stop_by_two_signals twice
finish
